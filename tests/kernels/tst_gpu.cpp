// SPDX-License-Identifier: GPL-3.0-or-later
// The product on a CUDA device; skipped where there is none. Every buffer has guards and starts poisoned.
#include "device_memory.h"
#include "planes_fixture.h"
#include "sa/kernels/gpu.h"
#include "sa/kernels/gpu_step.h"
#include "sa/kernels/one_bit.h"
#include "sa/kernels/rotation.h"

#include <QtTest>

#include <limits>

using namespace sa::kernels;

namespace
{

/// Other numbers in every run; a failure names them.
std::uint64_t freshSeed()
{
    const std::uint64_t seed = std::random_device()();
    qInfo("seed %llu", static_cast<unsigned long long>(seed));
    return seed;
}

/// Matrices of one input on the device.
class Resident
{
public:
    Resident(std::vector<SignPlanes> parts, GpuPath path, GpuTuning tuning = {})
    {
        GpuInfo info;
        status = gpuInfo(0, info);
        if (status == Status::Ok)
            status = gpuImage(parts.data(), static_cast<int>(parts.size()), info, path, tuning, image);
        if (status != Status::Ok)
            return;
        std::vector<char> host(image.bytes);
        status = gpuImageWrite(parts.data(), static_cast<int>(parts.size()), image, host.data());
        m_image = DeviceMemory(image.bytes);
        m_image.write(host.data(), host.size());
        m_zeroed = DeviceMemory(image.zeroedBytes);
        m_zeroed.fill(0);
        m_scratch = DeviceMemory(image.scratchBytes);
    }

    /// M x N, or empty with `problem` set.
    std::vector<float> product(const std::vector<float>& x, int M, const std::vector<float>& bias = {},
                               bool overlapped = false)
    {
        const auto count = size(M) * size(image.N);
        DeviceMemory dx(x.size() * 4), dy(count * 4), dbias(bias.size() * 4);
        dx.write(x.data(), x.size() * 4);
        dbias.write(bias.data(), bias.size() * 4);
        m_scratch.fill(0xFF); // what is read must have been written
        GpuCall call;
        call.image = m_image.data();
        call.x = static_cast<const float*>(dx.data());
        call.M = M;
        call.bias = bias.empty() ? nullptr : static_cast<const float*>(dbias.data());
        call.y = static_cast<float*>(dy.data());
        call.ldy = image.N;
        call.buffers = {m_zeroed.data(), m_scratch.data()};
        call.overlapped = overlapped;
        status = gpuProduct(image, call);
        problem = status == Status::Ok ? DeviceMemory::finish() : gpuLastError();
        if (status != Status::Ok || !problem.empty())
            return {};
        for (const DeviceMemory* memory : {&m_image, &m_zeroed, &m_scratch, &dx, &dy, &dbias})
            if (!memory->guardsIntact())
                problem = "a guard was overwritten";
        std::vector<char> zeroed(image.zeroedBytes);
        m_zeroed.read(zeroed.data(), zeroed.size());
        if (std::any_of(zeroed.begin(), zeroed.end(), [](char c) { return c != 0; }))
            problem = "the accumulators are not zero afterwards";
        std::vector<float> y(count);
        dy.read(y.data(), count * 4);
        return y;
    }
    std::vector<float> dense()
    {
        DeviceMemory out(size(image.N) * size(image.K) * 4);
        status = gpuDense(image, m_image.data(), 0, image.N, GpuFloat::F32, out.data(), nullptr);
        problem = DeviceMemory::finish();
        std::vector<float> host(size(image.N) * size(image.K));
        out.read(host.data(), host.size() * 4);
        return host;
    }

    /// The product of a decode step, with bias and residual, from x as `input` makes it of device memory.
    std::vector<float> step(const StepInput& input, const float* bias, const float* residual, bool overlapped)
    {
        DeviceMemory dy(size(image.N) * 4);
        status = gpuStepProduct(image, m_image.data(), input, {bias, residual, static_cast<float*>(dy.data())},
                                m_zeroed.data(), {nullptr, overlapped});
        problem = status == Status::Ok ? DeviceMemory::finish() : gpuLastError();
        for (const DeviceMemory* memory : {&m_image, &m_zeroed, &dy})
            if (!memory->guardsIntact())
                problem = "a guard was overwritten";
        std::vector<char> zeroed(image.zeroedBytes);
        m_zeroed.read(zeroed.data(), zeroed.size());
        if (std::any_of(zeroed.begin(), zeroed.end(), [](char c) { return c != 0; }))
            problem = "the accumulators are not zero afterwards";
        std::vector<float> y(size(image.N));
        dy.read(y.data(), y.size() * 4);
        return y;
    }

    GpuImage image;
    Status status = Status::Ok;
    std::string problem;

private:
    DeviceMemory m_image, m_zeroed, m_scratch;
};

/// Empty, or the first output that is not what the path promises: the integers' bits, or the bound of float32 tables.
QString wrong(const GpuImage& image, const RandomPlanes& planes, const std::vector<float>& x, int M,
              const std::vector<float>& y)
{
    const SignPlanes w = planes.view();
    if (y.size() != size(M) * size(w.N))
        return "no result";
    std::vector<float> expected(y.size());
    if (image.path == GpuPath::OneBit) {
        oneBitRef(w, x.data(), M, nullptr, expected.data(), w.N);
        for (std::size_t i = 0; i < y.size(); ++i)
            if (std::memcmp(&y[i], &expected[i], 4) != 0 && !(std::isnan(y[i]) && std::isnan(expected[i])))
                return QString("output %1 is %2, expected %3").arg(i).arg(y[i], 0, 'g', 9).arg(expected[i], 0, 'g', 9);
        return {};
    }
    lutGemmRef(w, x.data(), M, expected.data(), w.N, 0, w.N);
    for (int n = 0; n < w.N; ++n) {
        std::vector<double> scales(w.columnGroups()); // summed over the planes
        for (std::size_t c = 0; c < scales.size(); ++c)
            for (int b = 0; b < w.q; ++b)
                scales[c] += planes.alpha(n, static_cast<int>(c) * w.C, b);
        for (int m = 0; m < M; ++m) {
            double magnitude = 0;
            for (int k = 0; k < w.K; ++k)
                magnitude += scales[size(k / w.C)] * std::fabs(x[size(m * w.K + k)]);
            const double t = expected[size(m * w.N + n)], got = y[size(m * w.N + n)];
            const double bound = 0x1p-17 * magnitude + 0x1p-23 * std::fabs(t) + 3.0 * w.q * w.K * 0x1p-149;
            if (!(std::fabs(got - t) <= bound) && !(std::isnan(t) && std::isnan(got)))
                return QString("output %1,%2 is %3, expected %4").arg(m).arg(n).arg(got, 0, 'g', 9).arg(t, 0, 'g', 9);
        }
    }
    return {};
}

constexpr Geometry kGeometries[] = {
    {1, 1, 1, 1, 1},         {64, 256, 3, 8, 8},     {130, 70, 2, 130, 1}, {150, 90, 4, 33, 8},
    {77, 1100, 1, 20, 8},    {45, 77, 2, 1, 80},     {96, 200, 4, 96, 24}, {300, 39, 3, 100, 1},
    {2048, 512, 3, 256, 8},  {500, 2050, 4, 500, 1}, {704, 256, 2, 88, 8}, {144, 64, 3, 16, 8},
    {1024, 4096, 3, 128, 8}, {640, 8192, 4, 640, 1}, {19, 37, 3, 4, 1},    {256, 11008, 3, 32, 8}};

} // namespace

class TestGpu : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        if (gpuCount() == 0)
            QSKIP("there is no CUDA device");
    }

    void everyGeometryAndPathAgreesWithTheReference_data()
    {
        QTest::addColumn<Geometry>("geometry");
        QTest::addColumn<GpuPath>("path");
        for (const Geometry& g : kGeometries)
            for (const GpuPath path : {GpuPath::OneBit, GpuPath::Table})
                QTest::addRow("%s N %d K %d q %d R %d C %d", path == GpuPath::OneBit ? "one-bit" : "table", g.N, g.K,
                              g.q, g.R, g.C)
                    << g << path;
    }
    void everyGeometryAndPathAgreesWithTheReference()
    {
        QFETCH(Geometry, geometry);
        QFETCH(GpuPath, path);
        std::mt19937_64 random(freshSeed());
        RandomPlanes planes(geometry, random, -20.0, 3.0);
        Resident resident({planes.view()}, path);
        if (resident.status == Status::Unsupported)
            QSKIP("not on this device");
        QCOMPARE(resident.status, Status::Ok);
        const bool large = geometry.N * geometry.K > 1 << 19;
        for (const int M : large ? std::vector<int>{1, 2, 4, 7} : std::vector<int>{1, 2, 3, 4, 5, 6, 7, 8}) {
            const auto x = gaussian(size(M) * size(geometry.K), random);
            const auto y = resident.product(x, M);
            QCOMPARE(resident.problem, std::string());
            QCOMPARE(wrong(resident.image, planes, x, M, y), QString());
        }
        std::vector<float> dense(size(geometry.N) * size(geometry.K));
        QCOMPARE(unpackDense(planes.view(), dense.data()), Status::Ok);
        const auto unpacked = resident.dense();
        QCOMPARE(resident.problem, std::string());
        for (std::size_t i = 0; i < dense.size(); ++i) // sums of float terms of up to 2^4
            QVERIFY(std::fabs(unpacked[i] - dense[i]) <= 0x1p-18F);
    }

    void stepProductsAgreeWithTheReference_data()
    {
        QTest::addColumn<Geometry>("geometry");
        for (const Geometry& g : kGeometries)
            QTest::addRow("N %d K %d q %d R %d C %d", g.N, g.K, g.q, g.R, g.C) << g;
    }
    void stepProductsAgreeWithTheReference()
    {
        QFETCH(Geometry, geometry);
        std::mt19937_64 random(freshSeed());
        RandomPlanes planes(geometry, random, -20.0, 3.0);
        const SignPlanes w = planes.view();
        Resident resident({w}, GpuPath::OneBit);
        if (resident.status == Status::Unsupported)
            QSKIP("not on this device");
        QCOMPARE(resident.status, Status::Ok);
        const auto count = size(geometry.K);
        const auto x = gaussian(count, random), factor = gaussian(count, random), weight = gaussian(count, random),
                   shift = gaussian(count, random), bias = gaussian(size(geometry.N), random),
                   residual = gaussian(size(geometry.N), random);
        const auto resident_ = [](const std::vector<float>& values) {
            DeviceMemory memory(values.size() * 4);
            memory.write(values.data(), values.size() * 4);
            return memory;
        };
        const DeviceMemory dx = resident_(x), df = resident_(factor), dw = resident_(weight), ds = resident_(shift),
                           db = resident_(bias), dr = resident_(residual);
        const auto floats = [](const DeviceMemory& memory) { return static_cast<const float*>(memory.data()); };
        for (const StepInputKind kind :
             {StepInputKind::Plain, StepInputKind::Rms, StepInputKind::Layer, StepInputKind::Activated}) {
            StepInput input;
            input.kind = kind;
            input.x = floats(dx);
            input.weight = floats(dw);
            input.epsilon = 1e-5F;
            if (kind == StepInputKind::Layer)
                input.bias = floats(ds);
            if (kind == StepInputKind::Activated)
                input.factor = floats(df);
            double mean = 0, squares = 0;
            for (const float value : x)
                mean += value / static_cast<double>(count);
            const double centre = kind == StepInputKind::Layer ? mean : 0.0;
            for (const float value : x)
                squares += (value - centre) * (value - centre) / static_cast<double>(count);
            std::vector<float> made(count);
            for (std::size_t k = 0; k < count; ++k) {
                double value = x[k];
                if (kind == StepInputKind::Activated)
                    value = value / (1 + std::exp(-value)) * factor[k];
                if (kind == StepInputKind::Rms || kind == StepInputKind::Layer)
                    value = (value - centre) / std::sqrt(squares + 1e-5F);
                value *= weight[k];
                made[k] = static_cast<float>(kind == StepInputKind::Layer ? value + shift[k] : value);
            }
            std::vector<float> expected(size(geometry.N));
            lutGemmRef(w, made.data(), 1, expected.data(), w.N, 0, w.N);
            std::vector<float> first;
            for (const bool overlapped : {false, true, false}) {
                const auto y = resident.step(input, floats(db), floats(dr), overlapped);
                QCOMPARE(resident.status, Status::Ok);
                QCOMPARE(resident.problem, std::string());
                if (first.empty())
                    first = y;
                QVERIFY(std::memcmp(first.data(), y.data(), y.size() * 4) == 0);
            }
            double error = 0, norm = 0;
            for (std::size_t n = 0; n < expected.size(); ++n) {
                const double truth = double(expected[n]) + bias[n] + residual[n];
                error += (first[n] - truth) * (first[n] - truth);
                norm += std::pow(std::fabs(expected[n]) + std::fabs(bias[n]) + std::fabs(residual[n]), 2.0);
            }
            // Products of three Gaussians have outliers, beside which 24 bits are coarse.
            const double most = kind == StepInputKind::Activated ? 1e-5 : 2e-6;
            QVERIFY2(std::sqrt(error / norm) <= most,
                     qPrintable(QString("input %1: %2").arg(static_cast<int>(kind)).arg(std::sqrt(error / norm))));
        }
    }

    void unusualInput()
    {
        std::mt19937_64 random(freshSeed());
        const float inf = std::numeric_limits<float>::infinity();
        for (const Geometry& g : {Geometry{200, 333, 3, 50, 8}, Geometry{200, 333, 3, 200, 1}}) {
            RandomPlanes planes(g, random, -20.0, 3.0);
            for (const GpuPath path : {GpuPath::OneBit, GpuPath::Table}) {
                Resident resident({planes.view()}, path);
                if (resident.status == Status::Unsupported)
                    continue;
                for (int kind = 0; kind < 9; ++kind) {
                    auto x = gaussian(size(g.K), random);
                    for (std::size_t k = 0; k < x.size(); ++k) {
                        const bool one = k == size(g.K / 3);
                        if (kind == 0 || (kind == 1 && !one))
                            x[k] = kind == 0 ? -0.0F : 0.0F;
                        if (kind == 2)
                            x[k] *= 0x1p-140F;
                        if (kind == 3)
                            x[k] = k % 2 == 0 ? 65504.0F : -65504.0F;
                        if (kind == 4 && one)
                            x[k] *= 1000;
                        if (kind == 5 && one)
                            x[k] = std::numeric_limits<float>::quiet_NaN();
                        if (kind == 6 && one && path == GpuPath::OneBit)
                            x[k] = -inf;
                        if (kind == 7)
                            x[k] *= 0x1p100F;
                        if (kind == 8 && k % 3 == 0)
                            x[k] = 0;
                    }
                    const auto y = resident.product(x, 1);
                    QCOMPARE(resident.problem, std::string());
                    const QString problem = wrong(resident.image, planes, x, 1, y);
                    QVERIFY2(problem.isEmpty(), qPrintable(QString("input %1: ").arg(kind) + problem));
                }
            }
        }
    }

    void cutsRepeatsAndOverlapGiveTheSameBits()
    {
        std::mt19937_64 random(freshSeed());
        RandomPlanes planes({4096, 4096, 3, 512, 8}, random);
        const auto x = gaussian(4 * 4096, random);
        std::vector<float> first;
        for (const GpuTuning& tuning : {GpuTuning{}, GpuTuning{7, 3}, GpuTuning{16, 12}, GpuTuning{48, 8}}) {
            Resident resident({planes.view()}, GpuPath::OneBit, tuning);
            if (resident.status == Status::Unsupported)
                QSKIP("not on this device");
            QCOMPARE(resident.status, Status::Ok);
            for (const int M : {1, 2, 4})
                for (int repeat = 0; repeat < 34; ++repeat) {
                    const auto y = resident.product(x, M, {}, repeat % 2 == 1);
                    QCOMPARE(resident.problem, std::string());
                    if (first.empty() && M == 4)
                        first = y;
                    if (first.empty()) {
                        QCOMPARE(wrong(resident.image, planes, x, 1, {y.begin(), y.begin() + 4096}), QString());
                        first = resident.product(x, 4);
                    }
                    QVERIFY(std::memcmp(first.data(), y.data(), y.size() * 4) == 0);
                }
        }
    }

    void partsOfOneInputAreTheSameAsAlone()
    {
        std::mt19937_64 random(freshSeed());
        for (const GpuPath path : {GpuPath::OneBit, GpuPath::Table})
            for (const int C : {8, 1}) {
                std::vector<RandomPlanes> planes;
                for (const auto& [N, R] : {std::pair(512, 64), std::pair(136, 17), std::pair(136, 136)})
                    planes.emplace_back(Geometry{N, 1100, 2, R, C}, random);
                Resident all({planes[0].view(), planes[1].view(), planes[2].view()}, path);
                if (all.status == Status::Unsupported)
                    continue;
                const auto x = gaussian(3 * 1100, random), bias = gaussian(784, random);
                const auto y = all.product(x, 3, bias);
                QCOMPARE(all.problem, std::string());
                std::size_t row = 0;
                for (const auto& p : planes) {
                    const auto N = size(p.view().N);
                    Resident alone({p.view()}, path);
                    const auto own = alone.product(
                        x, 3, {bias.begin() + static_cast<long>(row), bias.begin() + static_cast<long>(row + N)});
                    for (std::size_t m = 0; m < 3; ++m)
                        for (std::size_t n = 0; n < N; ++n) {
                            const float a = own[m * N + n], b = y[m * 784 + row + n];
                            // Cuts of K differ with the number of rows, which only tables' sums see.
                            QVERIFY(path == GpuPath::OneBit ? a == b : std::fabs(a - b) <= 1e-4F * (1 + std::fabs(a)));
                        }
                    row += N;
                }
            }
    }

    void transformsAreThoseOfTheProcessor()
    {
        std::mt19937_64 random(freshSeed());
        for (const int n : {1, 5, 64, 300, 4096, 11008, 70000}) {
            const int M = 3;
            auto x = gaussian(size(M) * size(n), random);
            std::vector<std::int8_t> exponents(size(n));
            for (auto& e : exponents)
                e = static_cast<std::int8_t>(random() % 9);
            std::vector<std::uint32_t> signs(size(n + 31) / 32);
            rotationSigns(random(), n, signs.data());
            DeviceMemory dx(x.size() * 4), de(exponents.size()), ds(signs.size() * 4);
            dx.write(x.data(), x.size() * 4);
            de.write(exponents.data(), exponents.size());
            ds.write(signs.data(), signs.size() * 4);
            auto* px = static_cast<float*>(dx.data());
            const auto* ps = static_cast<const std::uint32_t*>(ds.data());
            QCOMPARE(gpuShiftAndRotate(static_cast<const std::int8_t*>(de.data()), ps, n, px, M, n, nullptr),
                     Status::Ok);
            QCOMPARE(DeviceMemory::finish(), std::string());
            std::vector<float> got(x.size());
            dx.read(got.data(), got.size() * 4);
            shiftChannels(exponents.data(), 1, n, x.data(), M, n);
            rotate(signs.data(), n, x.data(), M, n);
            QVERIFY2(got == x, qPrintable(QString::number(n)));
            QCOMPARE(gpuRotateBack(ps, n, px, M, n, nullptr), Status::Ok);
            QCOMPARE(DeviceMemory::finish(), std::string());
            dx.read(got.data(), got.size() * 4);
            rotateBack(signs.data(), n, x.data(), M, n);
            QVERIFY(got == x);
            QVERIFY(dx.guardsIntact());
        }
    }

    void badCallsAreRefused()
    {
        std::mt19937_64 random(1);
        RandomPlanes planes({64, 64, 2, 64, 8}, random);
        Resident resident({planes.view()}, GpuPath::Auto);
        GpuCall call;
        QCOMPARE(gpuProduct(resident.image, call), Status::BadShape);
        call.M = 1;
        QCOMPARE(gpuProduct(resident.image, call), Status::BadPointer);
        call.M = 2;
        call.ldy = 63;
        QCOMPARE(gpuProduct(resident.image, call), Status::BadShape);
    }
};

QTEST_APPLESS_MAIN(TestGpu)
#include "tst_gpu.moc"
