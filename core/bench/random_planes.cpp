// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/bench/random_planes.h"

#include "sa/kernels/lut_gemm.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace sa
{

RandomWeight::RandomWeight(const ShapeCase& s, std::uint64_t seed)
    : shape(s)
{
    std::mt19937_64 random(seed);
    const kernels::SignPlanes w = view();
    bits.resize(w.wordCount());
    for (auto& word : bits)
        word = static_cast<std::uint32_t>(random());
    const auto lastWords = static_cast<std::size_t>(s.q) * static_cast<std::size_t>(s.N);
    if (s.K % 32 != 0)
        for (std::size_t i = bits.size() - lastWords; i < bits.size(); ++i)
            bits[i] &= (1U << (s.K % 32)) - 1U;
    scales.resize(w.scaleCount());
    std::uniform_real_distribution<double> exponent(-9.0, -3.0);
    for (auto& scale : scales)
        scale = kernels::apotRound(std::exp2(exponent(random)), kernels::kMaxApotTerms);
    std::normal_distribution<float> normal;
    x.resize(static_cast<std::size_t>(s.tokens) * static_cast<std::size_t>(s.K));
    for (auto& value : x)
        value = normal(random);
}

kernels::SignPlanes RandomWeight::view() const
{
    kernels::SignPlanes w;
    w.bits = bits.data();
    w.scales = scales.data();
    w.N = shape.N;
    w.K = shape.K;
    w.q = shape.q;
    w.R = shape.R;
    w.C = shape.C;
    return w;
}

double relativeErrorOf(const RandomWeight& weight, const float* y)
{
    const int N = weight.shape.N, tokens = weight.shape.tokens;
    const int stride = std::max(1, N / 512);
    std::vector<float> truth(static_cast<std::size_t>(tokens) * static_cast<std::size_t>(N));
    double error = 0, norm = 0;
    for (int n = 0; n < N; n += stride) {
        if (kernels::lutGemmRef(weight.view(), weight.x.data(), tokens, truth.data(), N, n, n + 1) !=
            kernels::Status::Ok)
            return std::numeric_limits<double>::quiet_NaN();
        for (int m = 0; m < tokens; ++m) {
            const std::ptrdiff_t i = std::ptrdiff_t(m) * N + n;
            const double expected = truth[static_cast<std::size_t>(i)];
            error += (y[i] - expected) * (y[i] - expected);
            norm += expected * expected;
        }
    }
    return std::sqrt(error / norm);
}

Timing timingOf(std::vector<double> seconds)
{
    if (seconds.empty())
        return {};
    std::sort(seconds.begin(), seconds.end());
    return {seconds[seconds.size() / 2], seconds.front(), seconds.back()};
}

} // namespace sa
