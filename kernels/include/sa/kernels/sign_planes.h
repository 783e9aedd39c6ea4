// SPDX-License-Identifier: GPL-3.0-or-later
// The one weight format: sign planes with shift scales (docs/FORMAT.md).
//
//     W^[n,k] = sum_{b<q} alpha[k/C, b, n/R] * s[b,n,k],   s = +1 where the bit is 1, -1 where it is 0
#pragma once

#include "sa/kernels/apot.h"
#include "sa/kernels/status.h"

#include <cstddef>
#include <cstdint>

namespace sa::kernels
{

/// One weight matrix; non-owning, host pointers.
struct SignPlanes {
    const std::uint32_t* bits =
        nullptr; ///< [ceil(K/32)][q][N]; bit i of word [t][b][n] is column 32t+i; bits past K are 0
    const PackedScale* scales = nullptr; ///< [ceil(K/C)][q][ceil(N/R)]; plane 0 holds the largest scale
    int N = 0;                           ///< rows, out features
    int K = 0;                           ///< columns, in features
    int q = 0;                           ///< planes, 1..4
    int R = 0;                           ///< rows per scale, 1..N
    int C = 0; ///< columns per scale: 1 or a multiple of 8 (`acc` 1, `lat` 8, row-wise K rounded up to 8)

    std::size_t wordCount() const
    {
        return (static_cast<std::size_t>(K) + 31) / 32 * static_cast<std::size_t>(q) * static_cast<std::size_t>(N);
    }
    std::size_t rowGroups() const
    {
        return (static_cast<std::size_t>(N) + static_cast<std::size_t>(R) - 1) / static_cast<std::size_t>(R);
    }
    std::size_t columnGroups() const
    {
        return (static_cast<std::size_t>(K) + static_cast<std::size_t>(C) - 1) / static_cast<std::size_t>(C);
    }
    std::size_t scaleCount() const { return columnGroups() * static_cast<std::size_t>(q) * rowGroups(); }
};

/// Ok, or why the shape or the pointers cannot be a weight matrix. (Contents: see `planesValid`.)
Status check(const SignPlanes& planes) noexcept;
/// True when every scale word is one an encoder writes and all padding bits are 0.
bool planesValid(const SignPlanes& planes) noexcept;

/// out[n*K + k] = W^[n,k] in float; exact sums in double, rounded once. For tests, dense export and reports only.
Status unpackDense(const SignPlanes& planes, float* out) noexcept;
/// The same for rows [rowBegin, rowEnd) only: out has (rowEnd-rowBegin)*K entries.
Status unpackDenseRows(const SignPlanes& planes, int rowBegin, int rowEnd, float* out) noexcept;

/// Writes the bits of codes (>= 0 -> +1, < 0 -> -1; [q][N][K], one byte each) into words ([ceil(K/32)][q][N]).
Status packBits(const std::int8_t* codes, int N, int K, int q, std::uint32_t* words) noexcept;

} // namespace sa::kernels
