// SPDX-License-Identifier: GPL-3.0-or-later
// Speed of the packed product on one thread, next to a plain read of the same bytes in the same run. Correctness first:
// a case whose result is off is reported and nothing is timed. Counters: packedBytes/s counts each pass over the planes
// once, weightPlanes/s counts N * K * q * M, the work that does not depend on how tokens are batched.
#include "sa/kernels/lut_gemm.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

using namespace sa::kernels;

namespace
{

struct Case {
    const char* name;
    int N, K, q, R, C, M;
    int copies; ///< matrices taken in turn; enough of them, and every pass comes from memory instead of the caches
};

constexpr Case kCases[] = {
    {"small/256x256/q2/lat/M512", 256, 256, 2, 32, 8, 512, 1},
    {"small/256x256/q3/lat/M512", 256, 256, 3, 32, 8, 512, 1},
    {"small/704x256/q2/lat/M512", 704, 256, 2, 88, 8, 512, 1},
    {"small/704x256/q3/lat/M512", 704, 256, 3, 88, 8, 512, 1},
    {"small/256x704/q3/lat/M512", 256, 704, 3, 32, 8, 512, 1},
    {"small/256x256/q3/acc/M512", 256, 256, 3, 256, 1, 512, 1},
    {"small/256x256/q3/g128/M512", 256, 256, 3, 16, 8, 512, 1},
    {"small/256x256/q3/rowwise/M512", 256, 256, 3, 1, 256, 512, 1},
    {"large/2048x2048/q3/lat/M64", 2048, 2048, 3, 256, 8, 64, 1},
    {"decode/256x256/q3/lat/M1", 256, 256, 3, 32, 8, 1, 1},
    {"decode/704x256/q3/lat/M1", 704, 256, 3, 88, 8, 1, 1},
    {"decode/2048x512/q3/acc/M1", 2048, 512, 3, 2048, 1, 1, 1},
    {"decode/4096x4096/q2/lat/M1", 4096, 4096, 2, 512, 8, 1, 1},
    {"decode/4096x4096/q3/lat/M1", 4096, 4096, 3, 512, 8, 1, 1},
    {"decode/4096x4096/q3/acc/M1", 4096, 4096, 3, 4096, 1, 1, 1},
    {"decode/4096x4096/q3/g128/M1", 4096, 4096, 3, 16, 8, 1, 1},
    {"decode/4096x4096/q3/rowwise/M1", 4096, 4096, 3, 1, 4096, 1, 1},
    {"memory/4096x4096/q3/lat/M1", 4096, 4096, 3, 512, 8, 1, 24},
    {"batch/4096x4096/q3/lat/M2", 4096, 4096, 3, 512, 8, 2, 1},
    {"batch/4096x4096/q3/lat/M4", 4096, 4096, 3, 512, 8, 4, 1},
    {"batch/4096x4096/q3/lat/M8", 4096, 4096, 3, 512, 8, 8, 1},
    {"batch/4096x4096/q3/lat/M16", 4096, 4096, 3, 512, 8, 16, 1},
};

template<class T> std::size_t size(T value)
{
    return static_cast<std::size_t>(value);
}

/// One case's data: `copies` matrices of random signs under the same real APoT scales, and Gaussian tokens.
class Setup
{
public:
    explicit Setup(const Case& c)
        : m_case(c)
    {
        std::mt19937_64 random(1);
        m_w.N = c.N;
        m_w.K = c.K;
        m_w.q = c.q;
        m_w.R = c.R;
        m_w.C = c.C;
        m_bits.resize(m_w.wordCount() * size(c.copies));
        for (std::uint32_t& word : m_bits)
            word = static_cast<std::uint32_t>(random());
        std::uniform_real_distribution<double> exponent(-9.0, -3.0);
        m_scales.resize(m_w.scaleCount());
        for (PackedScale& scale : m_scales)
            scale = apotRound(std::exp2(exponent(random)), kMaxApotTerms);
        m_w.scales = m_scales.data();
        std::normal_distribution<float> normal;
        m_x.resize(size(c.M) * size(c.K));
        for (float& value : m_x)
            value = normal(random);
        m_y.resize(size(c.M) * size(c.N));
        m_scratch.reset(std::aligned_alloc(64, (lutGemmScratchBytes(view(0), c.M) + 63) / 64 * 64));
    }

    SignPlanes view(int copy) const
    {
        SignPlanes w = m_w;
        w.bits = m_bits.data() + size(copy) * m_w.wordCount();
        return w;
    }
    Status run(int copy, bool fast = false)
    {
        const TiledPlanes w{view(copy), m_case.N};
        return fast ? lutGemmFast(w, m_x.data(), m_case.M, m_y.data(), m_case.N, 0, m_case.N, m_scratch.get())
                    : lutGemm(w, m_x.data(), m_case.M, m_y.data(), m_case.N, 0, m_case.N, m_scratch.get());
    }
    /// Relative error against the float64 reference, on the first tokens (the reference is slow).
    double relativeError(bool fast)
    {
        const int M = std::min(m_case.M, 3);
        std::vector<float> truth(size(M) * size(m_case.N));
        if (run(0, fast) != Status::Ok ||
            lutGemmRef(view(0), m_x.data(), M, truth.data(), m_case.N, 0, m_case.N) != Status::Ok)
            return std::nan("");
        double error = 0.0;
        double norm = 0.0;
        for (std::size_t i = 0; i < truth.size(); ++i) {
            error += std::pow(static_cast<double>(m_y[i]) - truth[i], 2.0);
            norm += std::pow(static_cast<double>(truth[i]), 2.0);
        }
        return std::sqrt(error / norm);
    }
    const std::vector<std::uint32_t>& bits() const { return m_bits; }
    double packedBytes() const { return 4.0 * static_cast<double>(m_w.wordCount()); }

private:
    struct Free {
        void operator()(void* memory) const { std::free(memory); }
    };
    Case m_case;
    SignPlanes m_w;
    std::vector<std::uint32_t> m_bits;
    std::vector<PackedScale> m_scales;
    std::vector<float> m_x;
    std::vector<float> m_y;
    std::unique_ptr<void, Free> m_scratch;
};

void timeProduct(benchmark::State& state, const Case& c, bool fast)
{
    Setup setup(c);
    int copy = 0;
    for (auto _ : state) {
        if (setup.run(copy, fast) != Status::Ok) {
            state.SkipWithError("the product refused the call");
            return;
        }
        copy = (copy + 1) % c.copies;
    }
    const double weightPlanes = static_cast<double>(c.N) * c.K * c.q * c.M;
    state.counters["packedBytes/s"] =
        benchmark::Counter(setup.packedBytes(), benchmark::Counter::kIsIterationInvariantRate);
    state.counters["weightPlanes/s"] = benchmark::Counter(weightPlanes, benchmark::Counter::kIsIterationInvariantRate);
    state.SetLabel(lutGemmTarget());
}

/// The ceiling: the same words, taken once with the exclusive-or that the compiler vectorises.
void timeRead(benchmark::State& state, const Case& c)
{
    Setup setup(c);
    const std::size_t words = setup.bits().size() / size(c.copies);
    std::size_t begin = 0;
    for (auto _ : state) {
        std::uint32_t all = 0;
        for (std::size_t i = begin; i < begin + words; ++i)
            all ^= setup.bits()[i];
        benchmark::DoNotOptimize(all);
        begin = begin + words == setup.bits().size() ? 0 : begin + words;
    }
    state.counters["packedBytes/s"] =
        benchmark::Counter(setup.packedBytes(), benchmark::Counter::kIsIterationInvariantRate);
}

} // namespace

int main(int argc, char** argv)
{
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 2;
    for (const Case& c : kCases) {
        const double error = Setup(c).relativeError(false), fastError = Setup(c).relativeError(true);
        if (!(error <= 2e-6 && fastError <= 1e-3)) { // the design's bound for float32 tables, and for 14 bits
            std::fprintf(stderr, "%s: relative error %g, fast %g, nothing is timed\n", c.name, error, fastError);
            return 1;
        }
    }
    for (const Case& c : kCases) {
        benchmark::RegisterBenchmark((std::string("lut_gemm/") + c.name).c_str(), timeProduct, c, false);
        if (c.M == 1) {
            benchmark::RegisterBenchmark((std::string("lut_fast/") + c.name).c_str(), timeProduct, c, true);
            benchmark::RegisterBenchmark((std::string("read/") + c.name).c_str(), timeRead, c);
        }
    }
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
