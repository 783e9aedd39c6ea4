// SPDX-License-Identifier: GPL-3.0-or-later
// Random weight matrices and guarded buffers for the kernel tests.
#pragma once

#include "sa/kernels/lut_gemm.h"

#include <cmath>
#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

inline std::size_t size(int value)
{
    return static_cast<std::size_t>(value);
}

inline std::vector<float> gaussian(std::size_t count, std::mt19937_64& random)
{
    std::normal_distribution<float> normal;
    std::vector<float> x(count);
    for (float& value : x)
        value = normal(random);
    return x;
}

struct Geometry {
    int N = 0, K = 0, q = 0, R = 0, C = 0;
};

/// Owns the planes of one weight; storage is exactly as large as the contract says, so that sanitizers see an overrun.
class RandomPlanes
{
public:
    /// Scales are real encoder output: 1..3 terms, log-uniform in 2^lowest..2^highest, descending over the planes.
    RandomPlanes(const Geometry& g, std::mt19937_64& random, double lowest = -12.0, double highest = 0.0)
    {
        m_view.N = g.N;
        m_view.K = g.K;
        m_view.q = g.q;
        m_view.R = g.R;
        m_view.C = g.C;
        bits.resize(m_view.wordCount());
        for (std::uint32_t& word : bits)
            word = static_cast<std::uint32_t>(random());
        clearPadding();
        scales.resize(m_view.scaleCount());
        std::uniform_real_distribution<double> exponent(lowest, highest);
        for (PackedScale& scale : scales)
            scale = sa::kernels::apotRound(std::exp2(exponent(random)), 1 + static_cast<int>(random() % 3));
    }

    sa::kernels::SignPlanes view() const
    {
        sa::kernels::SignPlanes view = m_view;
        view.bits = bits.data();
        view.scales = scales.data();
        return view;
    }

    double alpha(int n, int k, int b) const
    {
        const auto block = static_cast<std::size_t>(k / m_view.C);
        const auto group = static_cast<std::size_t>(n / m_view.R);
        return sa::kernels::apotValue(
            scales[(block * static_cast<std::size_t>(m_view.q) + static_cast<std::size_t>(b)) * m_view.rowGroups() +
                   group]);
    }

    std::uint32_t& word(int n, int k, int b)
    {
        return bits[(static_cast<std::size_t>(k / 32) * static_cast<std::size_t>(m_view.q) +
                     static_cast<std::size_t>(b)) *
                        static_cast<std::size_t>(m_view.N) +
                    static_cast<std::size_t>(n)];
    }

    void complement()
    {
        for (std::uint32_t& word : bits)
            word = ~word;
        clearPadding();
    }

    std::vector<std::uint32_t> bits;
    std::vector<sa::kernels::PackedScale> scales;

private:
    using PackedScale = sa::kernels::PackedScale;

    void clearPadding()
    {
        if (m_view.K % 32 == 0)
            return;
        const std::size_t last = static_cast<std::size_t>(m_view.q) * static_cast<std::size_t>(m_view.N);
        for (std::size_t i = bits.size() - last; i < bits.size(); ++i)
            bits[i] &= ~(~0U << (m_view.K % 32));
    }

    sa::kernels::SignPlanes m_view;
};

/// Floats aligned to 64 bytes between two guards; everything starts as a signalling pattern.
class GuardedFloats
{
public:
    static constexpr std::uint32_t kPoison = 0xFFA5A5A5U; // a NaN that no arithmetic here produces

    explicit GuardedFloats(std::size_t count)
        : m_count(count)
        , m_memory(static_cast<std::uint32_t*>(std::aligned_alloc(64, bytes())), &std::free)
    {
        std::fill_n(m_memory.get(), bytes() / 4, kPoison);
    }

    float* data() { return reinterpret_cast<float*>(m_memory.get() + kGuard); }
    const float* data() const { return reinterpret_cast<const float*>(m_memory.get() + kGuard); }

    bool untouched(std::size_t index) const { return m_memory.get()[kGuard + index] == kPoison; }
    bool guardsIntact() const
    {
        for (std::size_t i = 0; i < kGuard; ++i)
            if (m_memory.get()[i] != kPoison)
                return false;
        for (std::size_t i = kGuard + m_count; i < bytes() / 4; ++i)
            if (m_memory.get()[i] != kPoison)
                return false;
        return true;
    }

private:
    static constexpr std::size_t kGuard = 64;
    std::size_t bytes() const { return (2 * kGuard + m_count + 15) / 16 * 64; }

    std::size_t m_count;
    std::unique_ptr<std::uint32_t, decltype(&std::free)> m_memory;
};
