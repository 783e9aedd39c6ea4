// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/quip/rotation.h"

#include <cmath>

namespace quip
{

namespace
{

/// SplitMix64 (Steele et al., 2014): the same numbers on every machine, unlike std's distributions.
class Random
{
public:
    explicit Random(std::uint64_t seed)
        : m_state(seed)
    {
    }
    std::uint64_t next()
    {
        std::uint64_t z = m_state += 0x9E3779B97F4A7C15u;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        return z ^ (z >> 31);
    }
    double uniform() { return (static_cast<double>(next() >> 11) + 0.5) * 0x1p-53; }
    double normal() { return std::sqrt(-2.0 * std::log(uniform())) * std::cos(6.283185307179586 * uniform()); }

private:
    std::uint64_t m_state;
};

/// Rows of Gaussian numbers made orthonormal one after the other, twice over for full accuracy: Haar-distributed.
std::vector<double> randomOrthogonal(std::int64_t m, Random& random)
{
    std::vector<double> Q(static_cast<std::size_t>(m * m));
    for (double& value : Q)
        value = random.normal();
    for (std::int64_t i = 0; i < m; ++i) {
        double* row = Q.data() + i * m;
        for (int pass = 0; pass < 2; ++pass)
            for (std::int64_t j = 0; j < i; ++j) {
                const double* done = Q.data() + j * m;
                double dot = 0.0;
                for (std::int64_t k = 0; k < m; ++k)
                    dot += row[k] * done[k];
                for (std::int64_t k = 0; k < m; ++k)
                    row[k] -= dot * done[k];
            }
        double norm = 0.0;
        for (std::int64_t k = 0; k < m; ++k)
            norm += row[k] * row[k];
        norm = std::sqrt(norm);
        for (std::int64_t k = 0; k < m; ++k)
            row[k] /= norm;
    }
    return Q;
}

} // namespace

Rotation::Rotation(std::int64_t n, std::uint64_t seed)
    : m_n(n)
    , m_odd(n)
    , m_power(1)
{
    for (; m_odd % 2 == 0; m_odd /= 2)
        m_power *= 2;
    Random random(seed);
    for (std::int64_t i = 0; i < n; ++i)
        m_signs.push_back(random.next() & 1 ? 1.0 : -1.0);
    m_Q = randomOrthogonal(m_odd, random);
}

/// Along each of the m runs of n / m entries; its own inverse.
void Rotation::hadamard(double* x) const
{
    const double norm = 1.0 / std::sqrt(static_cast<double>(m_power));
    for (std::int64_t run = 0; run < m_odd; ++run) {
        double* part = x + run * m_power;
        for (std::int64_t half = 1; half < m_power; half *= 2)
            for (std::int64_t begin = 0; begin < m_power; begin += 2 * half)
                for (std::int64_t i = begin; i < begin + half; ++i) {
                    const double a = part[i], b = part[i + half];
                    part[i] = a + b;
                    part[i + half] = a - b;
                }
        for (std::int64_t i = 0; i < m_power; ++i)
            part[i] *= norm;
    }
}

/// Q (or its transpose) across the runs.
void Rotation::mix(double* x, bool transposed) const
{
    if (m_odd == 1)
        return; // Q is +-1, and a sign of everything changes nothing
    std::vector<double> out(static_cast<std::size_t>(m_n), 0.0);
    for (std::int64_t i = 0; i < m_odd; ++i)
        for (std::int64_t j = 0; j < m_odd; ++j) {
            const double q = m_Q[static_cast<std::size_t>(transposed ? j * m_odd + i : i * m_odd + j)];
            for (std::int64_t p = 0; p < m_power; ++p)
                out[static_cast<std::size_t>(i * m_power + p)] += q * x[j * m_power + p];
        }
    for (std::int64_t i = 0; i < m_n; ++i)
        x[i] = out[static_cast<std::size_t>(i)];
}

void Rotation::forward(double* x) const
{
    for (std::int64_t i = 0; i < m_n; ++i)
        x[i] *= m_signs[static_cast<std::size_t>(i)];
    hadamard(x);
    mix(x, false);
}

void Rotation::inverse(double* x) const
{
    mix(x, true);
    hadamard(x);
    for (std::int64_t i = 0; i < m_n; ++i)
        x[i] *= m_signs[static_cast<std::size_t>(i)];
}

} // namespace quip
