// SPDX-License-Identifier: GPL-3.0-or-later
// Dense linear algebra for methods: row-major, no library, same bits for any number of threads (pieces are cut by the
// sizes alone) and on every processor (no fused multiply-add, no reordered sums).
#pragma once

#include "shiftadd/method_class.h"

#include <cstdint>
#include <vector>

namespace plugins
{

using shiftadd::Host;

/// C[m][n] += sign * A[m][k] * B[k][n]; `lda`, `ldb`, `ldc`: distance of rows. Single-threaded, sums over k ascending.
void addProduct(float sign, const float* A, std::int64_t lda, const float* B, std::int64_t ldb, float* C,
                std::int64_t ldc, std::int64_t m, std::int64_t k, std::int64_t n);
void addProduct(double sign, const double* A, std::int64_t lda, const double* B, std::int64_t ldb, double* C,
                std::int64_t ldc, std::int64_t m, std::int64_t k, std::int64_t n);

/// In place: the lower triangle of `A` [n][n] becomes L with A = L L^T (what is above the diagonal is left as it was).
/// False when A is not positive definite.
bool cholesky(std::vector<double>& A, std::int64_t n, const Host& host);

/// The inverse of the lower triangular L [n][n], zeros above the diagonal. Reads the lower triangle only.
std::vector<double> invertLower(const std::vector<double>& L, std::int64_t n, const Host& host);

/// tr(E H E^T) for E [rows][K] and a symmetric H [K][K].
double energy(const std::vector<float>& E, std::int64_t rows, std::int64_t K, const std::vector<float>& H,
              const Host& host);

/// The nearest float16: what a scale is worth once it is stored in two bytes.
float roundToHalf(float value);

/// Bytes of `count` numbers of `bits` bits each, packed without gaps.
inline std::uint64_t packedBytes(std::int64_t count, int bits)
{
    return (static_cast<std::uint64_t>(count) * static_cast<std::uint64_t>(bits) + 7) / 8;
}

/// Rows that one piece of parallel work takes.
inline constexpr std::int64_t kRowsPerPiece = 48;
inline std::int64_t rowPieces(std::int64_t rows)
{
    return (rows + kRowsPerPiece - 1) / kRowsPerPiece;
}

} // namespace plugins
