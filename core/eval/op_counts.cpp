// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/eval/op_counts.h"

#include "sa/kernels/rotation.h"

#include "sa/kernels/lut_gemm.h"

#include <algorithm>

namespace sa
{

namespace
{

constexpr std::uint64_t kKeyColumns = 8; ///< the paper's

std::uint64_t count(int value)
{
    return static_cast<std::uint64_t>(value);
}

std::uint64_t pieces(std::uint64_t whole, std::uint64_t each)
{
    return (whole + each - 1) / each;
}

/// One value times a scale of `terms` powers of two.
Operations scaling(std::uint64_t terms)
{
    return {.adds = terms - 1, .shifts = terms};
}

/// The table of one key. A shift for each 2x.
Operations table(std::uint64_t columns)
{
    return {.adds = columns - 1 + (std::uint64_t{1} << columns) - 1, .shifts = columns};
}

/// The tables of all keys, once.
Operations tables(std::uint64_t K)
{
    const std::uint64_t rest = K % kKeyColumns;
    return K / kKeyColumns * table(kKeyColumns) + (rest > 0 ? table(rest) : Operations{});
}

std::uint64_t additions(const Operations& operations)
{
    return operations.adds + operations.shifts;
}

} // namespace

Operations& Operations::operator+=(const Operations& other)
{
    multiplies += other.multiplies;
    adds += other.adds;
    shifts += other.shifts;
    lookups += other.lookups;
    return *this;
}

Operations denseOperations(std::uint64_t N, std::uint64_t K, bool bias)
{
    return {.multiplies = N * K, .adds = N * (K - 1) + (bias ? N : 0)};
}

Operations planesOperations(const kernels::SignPlanes& planes, int terms, bool bias, ScalePlace place)
{
    const std::uint64_t N = count(planes.N), K = count(planes.K), q = count(planes.q);
    const std::uint64_t keys = pieces(K, kKeyColumns);
    // A row adds up what it found for all keys and planes.
    Operations out{.adds = N * (q * keys - 1) + (bias ? N : 0), .lookups = N * q * keys};
    if (place == ScalePlace::Activations)
        return out + q * planes.rowGroups() * (K * scaling(count(terms)) + tables(K));
    return out + tables(K) + N * q * planes.columnGroups() * scaling(count(terms));
}

Operations planesOperations(const kernels::SignPlanes& planes, int terms, bool bias)
{
    const Operations shifted = planesOperations(planes, terms, bias, ScalePlace::Activations);
    if (planes.C == 1)
        return shifted;
    const Operations shared = planesOperations(planes, terms, bias, ScalePlace::Lookups);
    return additions(shared) < additions(shifted) ? shared : shifted;
}

Operations rotationOperations(int n)
{
    const auto window = static_cast<std::uint64_t>(kernels::rotationWindow(n));
    const std::uint64_t windows = (static_cast<std::uint64_t>(n) + window - 1) / window;
    std::uint64_t stagePairs = 0;
    for (std::uint64_t size = window; size > 1; size /= 4)
        ++stagePairs;
    return {.adds = windows * window * 2 * stagePairs, .shifts = windows * window * stagePairs};
}

Operations kernelOperations(const kernels::SignPlanes& planes, int terms, bool bias)
{
    constexpr std::uint64_t kWord = 32, kTablesPerWord = 8, kBytesPerWord = 4, kBlock = 512, kSharingRows = 128;
    constexpr Operations kTable{.adds = 12}; // 4 sums of two columns, 8 of four; the rest are their negatives
    const std::uint64_t N = count(planes.N), K = count(planes.K), q = count(planes.q);
    const std::uint64_t words = pieces(K, kWord);
    // Each entry is added to the byte's sum or the word's, each word's to the block's, each later block's to y.
    Operations out{.adds = N * (q * words * kTablesPerWord + pieces(K, kBlock) - 1) + (bias ? N : 0),
                   .lookups = N * q * words * kTablesPerWord};
    const Operations wordTables = kTablesPerWord * kTable;
    if (kernels::lutGemmSharesTables(planes))
        return out + pieces(N, kSharingRows) * words * wordTables +
               Operations{.multiplies = N * q * words * kBytesPerWord};
    return out + q * planes.rowGroups() * words * (kWord * scaling(count(terms)) + wordTables);
}

} // namespace sa
