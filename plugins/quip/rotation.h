// SPDX-License-Identifier: GPL-3.0-or-later
// A seeded orthogonal map of R^n for incoherence: random signs, then (Q x Hadamard), Q a random orthogonal m x m matrix
// and Hadamard the normalised one of size n / m, the largest power of two that divides n. Every entry is mixed with
// every other one whatever n is, at n (m + log n) operations.
#pragma once

#include <cstdint>
#include <vector>

namespace quip
{

class Rotation
{
public:
    Rotation(std::int64_t n, std::uint64_t seed);
    void forward(double* x) const; ///< x [n] -> U x
    void inverse(double* x) const; ///< x [n] -> U^T x
    std::int64_t size() const { return m_n; }

private:
    void hadamard(double* x) const;
    void mix(double* x, bool transposed) const;

    std::int64_t m_n, m_odd, m_power;
    std::vector<double> m_signs; ///< [n], +-1
    std::vector<double> m_Q;     ///< [m][m]
};

} // namespace quip
