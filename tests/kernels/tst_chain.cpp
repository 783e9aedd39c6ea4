// SPDX-License-Identifier: GPL-3.0-or-later
// Blocks in one launch against the launches of gpu_step.h, on a CUDA device; skipped where there is none that has them.
#include "device_memory.h"
#include "planes_fixture.h"
#include "sa/kernels/gpu_chain.h"

#include <QtTest>

#include <deque>

using namespace sa::kernels;

namespace
{

struct Shape {
    int hidden = 0, inner = 0, heads = 0, kvHeads = 0, headDim = 0, blocks = 0, q = 0, C = 0, position = 0, window = 0;
    StepActivation activation = StepActivation::Silu;
};

/// A model of random weights on the device, and the memory of both ways to run it.
class Model
{
public:
    explicit Model(const Shape& shape)
        : m_shape(shape)
        , m_random(std::random_device()())
    {
        const Shape& s = m_shape;
        status = gpuInfo(0, m_device);
        const int width = s.heads * s.headDim, kvWidth = s.kvHeads * s.headDim, capacity = s.position + 9;
        std::vector<float> cos, sin;
        for (int p = 0; p < capacity; ++p)
            for (int i = 0; i < s.headDim / 2; ++i) {
                const double angle = p * std::pow(10000.0, -2.0 * i / s.headDim);
                cos.push_back(static_cast<float>(std::cos(angle)));
                sin.push_back(static_cast<float>(std::sin(angle)));
            }
        m_cos = floats(cos);
        m_sin = floats(sin);
        for (int i = 0; i < s.blocks && status == Status::Ok; ++i) {
            ChainBlock block;
            block.attention = product({width, kvWidth, kvWidth}, s.hidden, true);
            block.output = product({s.hidden}, width, false);
            block.mlp = product({s.inner, s.inner}, s.hidden, true);
            block.down = product({s.hidden}, s.inner, false);
            block.attentionEpsilon = 1e-5F;
            block.mlpEpsilon = 1e-6F;
            block.activation = s.activation;
            StepAttention& a = block.mixing;
            a.heads = s.heads;
            a.kvHeads = s.kvHeads;
            a.headDim = s.headDim;
            a.strideQ = a.strideKv = s.headDim;
            a.keys = floats(gaussian(size(kvWidth) * size(capacity), m_random));
            a.values = floats(gaussian(size(kvWidth) * size(capacity), m_random));
            a.capacity = capacity;
            a.cos = m_cos;
            a.sin = m_sin;
            a.scale = 0.1F / std::sqrt(static_cast<float>(s.headDim)); // a softmax with more than one winner
            a.window = s.window;
            m_blocks.push_back(block);
        }
        m_x = floats(gaussian(size(s.hidden), m_random));
        m_y = floats(std::vector<float>(size(s.hidden)));
        const std::int32_t state[] = {0, s.position};
        m_memory.emplace_back(sizeof state);
        m_memory.back().write(state, sizeof state);
        m_state = static_cast<const std::int32_t*>(m_memory.back().data());
    }

    /// The state behind the blocks after each of `tokens` runs.
    std::vector<std::vector<float>> inOneLaunch(int tokens)
    {
        const ChainModel model{m_blocks.data(), m_shape.blocks, m_x, m_y, m_state};
        GpuChain chain;
        status = gpuChain(model, m_device, {}, chain);
        if (status != Status::Ok)
            return {};
        DeviceMemory memory(chain.bytes);
        memory.fill(0);
        std::vector<char> host(chain.written);
        status = gpuChainWrite(model, m_device, {}, memory.data(), host.data());
        memory.write(host.data(), host.size());
        std::vector<std::vector<float>> out;
        for (int i = 0; i < tokens && status == Status::Ok && problem.empty(); ++i) {
            status = gpuChainRun(chain, memory.data(), nullptr);
            problem = status == Status::Ok ? DeviceMemory::finish() : gpuLastError();
            out.push_back(read(m_y));
        }
        if (!memory.guardsIntact())
            problem = "a guard was overwritten";
        return out;
    }
    std::vector<float> inLaunches()
    {
        const Shape& s = m_shape;
        const int width = s.heads * s.headDim, kvWidth = s.kvHeads * s.headDim;
        float* x = floats(read(m_x));
        float* asked = floats(std::vector<float>(size(width + 2 * kvWidth)));
        float* mixed = floats(std::vector<float>(size(width)));
        float* gated = floats(std::vector<float>(size(2 * s.inner)));
        DeviceMemory zeroed(m_zeroedBytes), scratch(stepAttentionScratchBytes(s.heads, s.headDim));
        zeroed.fill(0);
        scratch.fill(0);
        const StepLaunch how;
        const auto multiply = [&](const ChainProduct& p, StepInput input, const float* residual, float* y) {
            input.weight = p.weight;
            status = status == Status::Ok
                         ? gpuStepProduct(*p.image, p.deviceImage, input, {nullptr, residual, y}, zeroed.data(), how)
                         : status;
        };
        for (const ChainBlock& block : m_blocks) {
            StepInput state;
            state.kind = StepInputKind::Rms;
            state.x = x;
            state.epsilon = block.attentionEpsilon;
            multiply(block.attention, state, nullptr, asked);
            StepAttention a = block.mixing;
            a.q = asked;
            a.k = asked + width;
            a.v = asked + width + kvWidth;
            a.out = mixed;
            a.scratch = scratch.data();
            status = status == Status::Ok ? gpuStepAttention(a, m_state, how) : status;
            StepInput heads;
            heads.x = mixed;
            multiply(block.output, heads, x, x);
            state.epsilon = block.mlpEpsilon;
            multiply(block.mlp, state, nullptr, gated);
            StepInput inner;
            inner.kind = StepInputKind::Activated;
            inner.activation = block.activation;
            inner.x = gated;
            inner.factor = gated + s.inner;
            multiply(block.down, inner, x, x);
        }
        problem = status == Status::Ok ? DeviceMemory::finish() : gpuLastError();
        return read(x);
    }

    Status status = Status::Ok;
    std::string problem;

private:
    float* floats(const std::vector<float>& values)
    {
        m_memory.emplace_back(values.size() * sizeof(float));
        m_memory.back().write(values.data(), values.size() * sizeof(float));
        return static_cast<float*>(m_memory.back().data());
    }
    std::vector<float> read(const float* from) const
    {
        std::vector<float> out(size(m_shape.hidden));
        cudaMemcpy(out.data(), from, out.size() * sizeof(float), cudaMemcpyDeviceToHost);
        return out;
    }
    ChainProduct product(const std::vector<int>& rows, int K, bool weighted)
    {
        std::vector<RandomPlanes> parts;
        std::vector<SignPlanes> views;
        for (const int N : rows)
            parts.emplace_back(Geometry{N, K, m_shape.q, m_shape.C == 1 ? N : (N + 7) / 8, m_shape.C}, m_random, -8.0,
                               -4.0);
        for (const RandomPlanes& part : parts)
            views.push_back(part.view());
        const auto count = static_cast<int>(views.size());
        GpuImage& image = m_images.emplace_back();
        status = gpuImage(views.data(), count, m_device, GpuPath::OneBit, {}, image);
        if (status != Status::Ok)
            return {};
        std::vector<char> host(image.bytes);
        status = gpuImageWrite(views.data(), count, image, host.data());
        m_memory.emplace_back(image.bytes);
        m_memory.back().write(host.data(), host.size());
        m_zeroedBytes = std::max(m_zeroedBytes, image.zeroedBytes);
        return {&image, m_memory.back().data(), weighted ? floats(gaussian(size(K), m_random)) : nullptr};
    }

    Shape m_shape;
    std::mt19937_64 m_random;
    GpuInfo m_device;
    std::deque<DeviceMemory> m_memory;
    std::deque<GpuImage> m_images;
    std::vector<ChainBlock> m_blocks;
    std::size_t m_zeroedBytes = 0;
    const float *m_x = nullptr, *m_cos = nullptr, *m_sin = nullptr;
    float* m_y = nullptr;
    const std::int32_t* m_state = nullptr;
};

} // namespace

Q_DECLARE_METATYPE(Shape)

class TestChain : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        GpuInfo info;
        if (gpuCount() == 0 || gpuInfo(0, info) != Status::Ok || info.architecture != 90)
            QSKIP("there is no device of compute capability 9.0");
    }

    void agreesWithLaunches_data()
    {
        QTest::addColumn<Shape>("shape");
        const Shape shapes[] = {{256, 256, 8, 8, 32, 1, 3, 8, 0},
                                {512, 1024, 8, 8, 64, 2, 3, 8, 40},
                                {1024, 2816, 8, 2, 128, 3, 3, 8, 300},
                                {1024, 2816, 16, 4, 64, 2, 2, 1, 1},
                                {2048, 2048, 8, 1, 256, 2, 4, 8, 100},
                                {2048, 2048, 32, 1, 64, 3, 4, 8, 20},
                                {2048, 4096, 32, 32, 64, 2, 1, 8, 33, 8},
                                {4096, 4096, 32, 8, 128, 2, 3, 8, 140, 0, StepActivation::GeluTanh},
                                {4096, 11008, 32, 32, 128, 1, 3, 1, 65}};
        for (const Shape& s : shapes)
            QTest::addRow("%d %d %d/%d of %d, %d blocks, q %d C %d at %d", s.hidden, s.inner, s.heads, s.kvHeads,
                          s.headDim, s.blocks, s.q, s.C, s.position)
                << s;
    }
    void agreesWithLaunches()
    {
        QFETCH(Shape, shape);
        Model model(shape);
        QCOMPARE(model.status, Status::Ok);
        const auto runs = model.inOneLaunch(20);
        QCOMPARE(model.problem, std::string());
        QCOMPARE(model.status, Status::Ok);
        for (const auto& run : runs) // whatever marks the numbers bear
            QVERIFY(std::memcmp(run.data(), runs.front().data(), run.size() * 4) == 0);
        const auto expected = model.inLaunches();
        QCOMPARE(model.problem, std::string());
        QCOMPARE(model.status, Status::Ok);
        double error = 0, norm = 0;
        for (std::size_t i = 0; i < expected.size(); ++i) {
            error += std::pow(double(runs.front()[i]) - expected[i], 2.0);
            norm += std::pow(double(expected[i]), 2.0);
        }
        QVERIFY2(std::sqrt(error / norm) <= 1e-5, qPrintable(QString::number(std::sqrt(error / norm))));
    }
};

QTEST_APPLESS_MAIN(TestChain)
#include "tst_chain.moc"
