// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/parallel.h"
#include "core/bench/random_planes.h"
#include "core/bench/shape_bench.h"
#include "sa/kernels/lut_gemm.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <random>

namespace sa
{

namespace
{

struct Free {
    void operator()(void* memory) const { std::free(memory); }
};
using Scratch = std::unique_ptr<void, Free>;

double secondsSince(std::chrono::steady_clock::time_point start)
{
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Result<Timing> timed(int repeats, int perRepeat, const CancelToken& cancel, const std::function<void(int)>& work)
{
    std::vector<double> seconds;
    int turn = 0;
    constexpr int kWarmUps = 2;
    for (int i = 0; i < kWarmUps + repeats; ++i) {
        SA_CHECK(cancel.check());
        const auto start = std::chrono::steady_clock::now();
        for (int j = 0; j < perRepeat; ++j)
            work(turn++);
        if (i >= kWarmUps)
            seconds.push_back(secondsSince(start) / perRepeat);
    }
    return timingOf(std::move(seconds));
}

std::atomic<std::uint64_t> readSink{0};

/// Every word once, all threads.
template<class Word> void readAll(const Word* words, std::size_t count)
{
    constexpr std::size_t kPiece = std::size_t(1) << 16;
    parallelFor(static_cast<std::int64_t>((count + kPiece - 1) / kPiece), [&](std::int64_t piece) {
        const std::size_t begin = static_cast<std::size_t>(piece) * kPiece, end = std::min(count, begin + kPiece);
        Word all[8] = {};
        std::size_t i = begin;
        for (; i + 8 <= end; i += 8)
            for (std::size_t j = 0; j < 8; ++j)
                all[j] ^= words[i + j];
        for (std::size_t j = 1; j < 8; ++j)
            all[0] ^= all[j];
        readSink.fetch_xor(all[0], std::memory_order_relaxed);
    });
}

class CpuProduct
{
public:
    CpuProduct(const RandomWeight& weight, std::size_t copies, bool fast)
        : m_weight(weight)
        , m_fast(fast)
        , m_words(weight.bits.size())
        , m_bits(weight.bits.size())
        , m_y(static_cast<std::size_t>(weight.shape.tokens) * static_cast<std::size_t>(weight.shape.N))
    {
        m_bits.resize(m_words * copies);
        std::mt19937_64 random(7);
        for (std::size_t i = m_words; i < m_bits.size(); ++i)
            m_bits[i] = static_cast<std::uint32_t>(random());
        m_rows = kernels::lutGemmTileRows(weight.view());
        kernels::tileWords(weight.view(), static_cast<int>(m_rows), m_bits.data()); // the shape passed its check
        m_pieces = (weight.shape.N + m_rows - 1) / m_rows;
        for (std::int64_t i = 0; i < m_pieces; ++i)
            m_scratch.emplace_back(std::aligned_alloc(
                64, (kernels::lutGemmScratchBytes(weight.view(), weight.shape.tokens) + 63) / 64 * 64));
    }
    bool run(std::size_t copy)
    {
        kernels::SignPlanes w = m_weight.view();
        w.bits = m_bits.data() + copy * m_words;
        std::atomic<bool> ok{true};
        parallelFor(m_pieces, [&](std::int64_t piece) {
            const int begin = static_cast<int>(piece * m_rows);
            const int end = static_cast<int>(std::min<std::int64_t>(w.N, (piece + 1) * m_rows));
            const kernels::TiledPlanes tiled{w, static_cast<int>(m_rows)};
            const float* x = m_weight.x.data();
            const int M = m_weight.shape.tokens;
            void* scratch = m_scratch[static_cast<std::size_t>(piece)].get();
            const auto status = m_fast ? kernels::lutGemmFast(tiled, x, M, m_y.data(), w.N, begin, end, scratch)
                                       : kernels::lutGemm(tiled, x, M, m_y.data(), w.N, begin, end, scratch);
            if (status != kernels::Status::Ok)
                ok = false;
        });
        return ok;
    }
    const float* y() const { return m_y.data(); }
    const std::uint32_t* bits(std::size_t copy) const { return m_bits.data() + copy * m_words; }

private:
    const RandomWeight& m_weight;
    bool m_fast;
    std::size_t m_words;
    std::vector<std::uint32_t> m_bits;
    std::vector<float> m_y;
    std::int64_t m_rows = 0, m_pieces = 0;
    std::vector<Scratch> m_scratch;
};

Result<Timing> denseTiming(const ShapeCase& shape, const ShapeBenchRequest& request, const DenseVectorProduct& dense,
                           const CancelToken& cancel)
{
    const std::size_t count = static_cast<std::size_t>(shape.N) * static_cast<std::size_t>(shape.K);
    const std::size_t copies = std::max<std::size_t>(1, request.rotatedBytes / (count * sizeof(float)));
    std::vector<float> weights(count * copies), x(static_cast<std::size_t>(shape.K), 0.5F),
        y(static_cast<std::size_t>(shape.N));
    std::mt19937 random(3);
    for (float& value : weights)
        value = static_cast<float>(random()) * 0x1p-32F - 0.5F;
    return timed(request.repeats, static_cast<int>(copies), cancel, [&](int i) {
        for (int token = 0; token < shape.tokens; ++token)
            dense(weights.data() + static_cast<std::size_t>(i) % copies * count, x.data(), y.data(), shape.N, shape.K);
    });
}

} // namespace

Result<ShapeBench> cpuShapeBench(const ShapeBenchRequest& request, int threads, const DenseVectorProduct& dense,
                                 const CancelToken& cancel, const std::function<void(int)>& progress)
{
    setParallelThreads(threads);
    ShapeBench out;
    out.device =
        std::string("cpu, ") + kernels::lutGemmTarget() + ", " + std::to_string(parallelThreads()) + " threads";
    out.denseName = "BLAS float32";
    {
        std::vector<std::uint64_t> memory(request.readBytes / 8, 0x5A5A5A5A5A5A5A5AU);
        SA_TRY(const Timing read,
               timed(request.repeats, 1, cancel, [&](int) { readAll(memory.data(), memory.size()); }));
        out.readCeiling = static_cast<double>(request.readBytes) / read.median;
    }
    for (const ShapeCase& shape : request.cases) {
        const RandomWeight weight(shape, request.seed);
        ShapeBenchRow row;
        row.shape = shape;
        const bool fast = request.fast && kernels::lutGemmHasFast(weight.view());
        row.path = fast ? "14-bit tables" : kernels::lutGemmSharesTables(weight.view()) ? "shared tables" : "tables";
        row.planeBytes = static_cast<std::int64_t>(shape.N) * shape.K * shape.q / 8;
        row.scaleBytes = static_cast<std::int64_t>(weight.scales.size()) * 2;
        const std::size_t bytes = weight.bits.size() * 4;
        const std::size_t copies = std::max<std::size_t>(1, (request.rotatedBytes + bytes - 1) / bytes);
        CpuProduct product(weight, copies, fast);
        if (!product.run(0))
            return makeError(Errc::Internal, "the kernels refused the shape");
        row.relativeError = relativeErrorOf(weight, product.y());
        const double most = fast ? 1e-3 : 2e-6;
        if (!(row.relativeError <= most))
            return makeError(Errc::Internal, "the product is wrong, nothing was timed")
                .butFound("a relative error of " + std::to_string(row.relativeError))
                .wanted("at most " + std::to_string(most));
        SA_TRY(row.product, timed(request.repeats, static_cast<int>(copies), cancel,
                                  [&](int i) { product.run(static_cast<std::size_t>(i) % copies); }));
        SA_TRY(row.read, timed(request.repeats, static_cast<int>(copies), cancel,
                               [&](int i) { readAll(product.bits(static_cast<std::size_t>(i) % copies), bytes / 4); }));
        if (dense && request.tuning.dense) {
            SA_TRY(row.dense, denseTiming(shape, request, dense, cancel));
        }
        out.rows.push_back(std::move(row));
        if (progress)
            progress(static_cast<int>(out.rows.size()));
    }
    return out;
}

} // namespace sa
