// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers that count what is done with them, and y = W x + c written over them as algorithm 6.1 says it.
#pragma once

#include "core/eval/op_counts.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

namespace test
{

inline sa::Operations counted;

struct Number {
    double value = 0;
};
inline Number operator+(Number a, Number b)
{
    ++counted.adds;
    return {a.value + b.value};
}
inline Number operator*(Number a, Number b)
{
    ++counted.multiplies;
    return {a.value * b.value};
}
inline Number operator-(Number a)
{
    return {-a.value};
}
inline Number shifted(Number x, int exponent)
{
    ++counted.shifts;
    return {std::ldexp(x.value, exponent)};
}

/// Adds up without an addition for the first.
class Sum
{
public:
    void add(Number x)
    {
        m_sum = m_empty ? x : m_sum + x;
        m_empty = false;
    }
    Number value() const { return m_sum; }

private:
    Number m_sum;
    bool m_empty = true;
};

/// x times a scale, one shift for each of its powers of two.
inline Number scaled(Number x, sa::kernels::PackedScale scale)
{
    const int e1 = (scale >> 10) - sa::kernels::kScaleExponentBias;
    const int g2 = (scale >> 5) & 15, g3 = scale & 15;
    Sum sum;
    sum.add(shifted(x, e1));
    if (g2 != 0)
        sum.add((scale >> 9 & 1) != 0 ? -shifted(x, e1 - g2) : shifted(x, e1 - g2));
    if (g3 != 0)
        sum.add((scale >> 4 & 1) != 0 ? -shifted(x, e1 - g2 - g3) : shifted(x, e1 - g2 - g3));
    return sum.value();
}

/// All signed sums of x; bit j of an entry's index is the sign of x[j].
inline std::vector<Number> signedSums(const std::vector<Number>& x)
{
    std::vector<Number> doubled, table(std::size_t{1} << x.size());
    Sum first;
    for (const Number each : x) {
        first.add(-each);
        doubled.push_back(shifted(each, 1));
    }
    table[0] = first.value();
    for (std::size_t entry = 1; entry < table.size(); ++entry)
        table[entry] = table[entry & (entry - 1)] + doubled[static_cast<std::size_t>(std::countr_zero(entry))];
    return table;
}

class PlanesProduct
{
public:
    PlanesProduct(const sa::kernels::SignPlanes& planes, const std::vector<double>& x)
        : m_planes(planes)
    {
        for (const double value : x)
            m_x.push_back({value});
    }

    /// Counted in `counted`; y without bias.
    std::vector<double> run(sa::ScalePlace place) const
    {
        std::vector<Sum> y(size(m_planes.N));
        if (place == sa::ScalePlace::Activations)
            shiftActivations(y);
        else
            shiftLookups(y);
        std::vector<double> out;
        for (const Sum& sum : y)
            out.push_back(sum.value().value);
        return out;
    }

private:
    static std::size_t size(int value) { return static_cast<std::size_t>(value); }

    int columnsOf(int key) const { return std::min(8, m_planes.K - 8 * key); }
    int keys() const { return (m_planes.K + 7) / 8; }

    Number lookUp(const std::vector<Number>& table, int key, int plane, int row) const
    {
        ++counted.lookups;
        const int first = 8 * key;
        const std::uint32_t word =
            m_planes.bits[(size(first / 32) * size(m_planes.q) + size(plane)) * size(m_planes.N) + size(row)];
        return table[word >> (first % 32) & (table.size() - 1)];
    }

    sa::kernels::PackedScale scale(int column, int plane, int row) const
    {
        return m_planes.scales[(size(column / m_planes.C) * size(m_planes.q) + size(plane)) * m_planes.rowGroups() +
                               size(row / m_planes.R)];
    }

    void shiftActivations(std::vector<Sum>& y) const
    {
        for (int plane = 0; plane < m_planes.q; ++plane)
            for (int begin = 0; begin < m_planes.N; begin += m_planes.R)
                for (int key = 0; key < keys(); ++key) {
                    std::vector<Number> x;
                    for (int k = 8 * key; k < 8 * key + columnsOf(key); ++k)
                        x.push_back(scaled(m_x[size(k)], scale(k, plane, begin)));
                    const auto table = signedSums(x);
                    for (int n = begin; n < std::min(m_planes.N, begin + m_planes.R); ++n)
                        y[size(n)].add(lookUp(table, key, plane, n));
                }
    }

    void shiftLookups(std::vector<Sum>& y) const
    {
        std::vector<std::vector<Number>> tables;
        for (int key = 0; key < keys(); ++key)
            tables.push_back(signedSums({m_x.begin() + 8 * key, m_x.begin() + 8 * key + columnsOf(key)}));
        for (int n = 0; n < m_planes.N; ++n)
            for (int plane = 0; plane < m_planes.q; ++plane)
                for (int first = 0; first < m_planes.K; first += m_planes.C) {
                    Sum underOneScale;
                    for (int key = first / 8; key < std::min(keys(), (first + m_planes.C) / 8); ++key)
                        underOneScale.add(lookUp(tables[size(key)], key, plane, n));
                    y[size(n)].add(scaled(underOneScale.value(), scale(first, plane, n)));
                }
    }

    const sa::kernels::SignPlanes m_planes;
    std::vector<Number> m_x;
};

} // namespace test
