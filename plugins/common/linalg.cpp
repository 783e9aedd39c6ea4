// SPDX-License-Identifier: GPL-3.0-or-later
#include "plugins/common/linalg.h"

#include <algorithm>
#include <cmath>

// One source, compiled for two vector units; the loader picks. Without FMA both give the same bits.
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__SANITIZE_ADDRESS__)
#define SA_VECTOR_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define SA_VECTOR_CLONES
#endif

namespace plugins
{

namespace
{

constexpr std::int64_t kTileRows = 6;     ///< of C that stay in registers
constexpr std::int64_t kVectorBytes = 32; ///< two vectors a row
constexpr std::int64_t kDepth = 256;      ///< of k per pass: the slab of B stays in the cache

/// Eight floats or four doubles at any address.
template<class T> struct Pack {
    typedef T Vector __attribute__((vector_size(kVectorBytes), aligned(alignof(T)), may_alias));
};

/// A full tile of C, `depth` steps deep. Written with vectors: the compiler does not find them by itself here.
template<class T>
inline __attribute__((always_inline)) void fullTile(T sign, const T* A, std::int64_t lda, const T* B, std::int64_t ldb,
                                                    T* C, std::int64_t ldc, std::int64_t depth)
{
    using Vector = typename Pack<T>::Vector;
    constexpr std::int64_t kLanes = kVectorBytes / static_cast<std::int64_t>(sizeof(T));
    Vector left[kTileRows], right[kTileRows];
    for (std::int64_t i = 0; i < kTileRows; ++i) {
        left[i] = *reinterpret_cast<const Vector*>(C + i * ldc);
        right[i] = *reinterpret_cast<const Vector*>(C + i * ldc + kLanes);
    }
    for (std::int64_t p = 0; p < depth; ++p) {
        const Vector bLeft = *reinterpret_cast<const Vector*>(B + p * ldb);
        const Vector bRight = *reinterpret_cast<const Vector*>(B + p * ldb + kLanes);
        for (std::int64_t i = 0; i < kTileRows; ++i) {
            const T a = sign * A[i * lda + p];
            left[i] += a * bLeft;
            right[i] += a * bRight;
        }
    }
    for (std::int64_t i = 0; i < kTileRows; ++i) {
        *reinterpret_cast<Vector*>(C + i * ldc) = left[i];
        *reinterpret_cast<Vector*>(C + i * ldc + kLanes) = right[i];
    }
}

template<class T>
inline __attribute__((always_inline)) void product(T sign, const T* A, std::int64_t lda, const T* B, std::int64_t ldb,
                                                   T* C, std::int64_t ldc, std::int64_t m, std::int64_t k,
                                                   std::int64_t n)
{
    constexpr std::int64_t kColumns = 2 * kVectorBytes / static_cast<std::int64_t>(sizeof(T));
    const std::int64_t fullRows = m - m % kTileRows, fullColumns = n - n % kColumns;
    for (std::int64_t p = 0; p < k; p += kDepth) {
        const std::int64_t depth = std::min(kDepth, k - p);
        for (std::int64_t j = 0; j < fullColumns; j += kColumns)
            for (std::int64_t i = 0; i < fullRows; i += kTileRows)
                fullTile(sign, A + i * lda + p, lda, B + p * ldb + j, ldb, C + i * ldc + j, ldc, depth);
        for (std::int64_t i = 0; i < m; ++i) { // what is left at the right and at the bottom
            const std::int64_t begin = i < fullRows ? fullColumns : 0;
            for (std::int64_t q = 0; q < depth && begin < n; ++q) {
                const T a = sign * A[i * lda + p + q];
                for (std::int64_t j = begin; j < n; ++j)
                    C[i * ldc + j] += a * B[(p + q) * ldb + j];
            }
        }
    }
}

constexpr std::int64_t kBlock = 64; ///< columns that are factored at once

/// The lower triangle of A[begin..end) in place, its columns left of `begin` being done.
bool factorDiagonal(double* A, std::int64_t n, std::int64_t begin, std::int64_t end)
{
    for (std::int64_t j = begin; j < end; ++j) {
        double d = A[j * n + j];
        for (std::int64_t p = begin; p < j; ++p)
            d -= A[j * n + p] * A[j * n + p];
        if (!(d > 0.0) || !std::isfinite(d))
            return false;
        d = std::sqrt(d);
        A[j * n + j] = d;
        for (std::int64_t i = j + 1; i < end; ++i) {
            double v = A[i * n + j];
            for (std::int64_t p = begin; p < j; ++p)
                v -= A[i * n + p] * A[j * n + p];
            A[i * n + j] = v / d;
        }
    }
    return true;
}

} // namespace

SA_VECTOR_CLONES
void addProduct(float sign, const float* A, std::int64_t lda, const float* B, std::int64_t ldb, float* C,
                std::int64_t ldc, std::int64_t m, std::int64_t k, std::int64_t n)
{
    product(sign, A, lda, B, ldb, C, ldc, m, k, n);
}

SA_VECTOR_CLONES
void addProduct(double sign, const double* A, std::int64_t lda, const double* B, std::int64_t ldb, double* C,
                std::int64_t ldc, std::int64_t m, std::int64_t k, std::int64_t n)
{
    product(sign, A, lda, B, ldb, C, ldc, m, k, n);
}

bool cholesky(std::vector<double>& A, std::int64_t n, const Host& host)
{
    std::vector<double> panelTransposed;
    for (std::int64_t begin = 0; begin < n; begin += kBlock) {
        host.checkCancelled();
        const std::int64_t end = std::min(n, begin + kBlock), width = end - begin, below = n - end;
        if (!factorDiagonal(A.data(), n, begin, end))
            return false;
        if (below == 0)
            break;
        // The panel below: X L^T = A, row by row; its transpose is the right factor of the update behind it.
        panelTransposed.assign(static_cast<std::size_t>(width * below), 0.0);
        host.parallelFor(rowPieces(below), [&](std::int64_t piece) {
            const std::int64_t rowEnd = std::min(n, end + (piece + 1) * kRowsPerPiece);
            for (std::int64_t i = end + piece * kRowsPerPiece; i < rowEnd; ++i) {
                double* row = A.data() + i * n + begin;
                for (std::int64_t j = 0; j < width; ++j) {
                    const double* l = A.data() + (begin + j) * n + begin;
                    double v = row[j];
                    for (std::int64_t p = 0; p < j; ++p)
                        v -= row[p] * l[p];
                    row[j] = v / l[j];
                    panelTransposed[static_cast<std::size_t>(j * below + i - end)] = row[j];
                }
            }
        });
        host.parallelFor(rowPieces(below), [&](std::int64_t piece) {
            const std::int64_t first = end + piece * kRowsPerPiece, last = std::min(n, first + kRowsPerPiece);
            addProduct(-1.0, A.data() + first * n + begin, n, panelTransposed.data(), below, A.data() + first * n + end,
                       n, last - first, width, last - end);
        });
    }
    return true;
}

std::vector<double> invertLower(const std::vector<double>& L, std::int64_t n, const Host& host)
{
    // X L = 1 column block by column block from L X = 1: rows of X from top to bottom,
    // X[i-block] = L_ii^-1 (1 - L[i-block][0..i) X[0..i)). Column blocks do not depend on each other.
    std::vector<double> X(static_cast<std::size_t>(n * n), 0.0);
    const std::int64_t blocks = (n + kBlock - 1) / kBlock;
    host.parallelFor(blocks, [&](std::int64_t piece) {
        const std::int64_t columnBegin = piece * kBlock, columns = std::min(kBlock, n - columnBegin);
        for (std::int64_t begin = columnBegin; begin < n; begin += kBlock) {
            if (host.cancelled())
                return;
            const std::int64_t end = std::min(n, begin + kBlock);
            double* block = X.data() + begin * n + columnBegin;
            if (begin == columnBegin)
                for (std::int64_t i = 0; i < columns; ++i)
                    block[i * n + i] = 1.0;
            else
                addProduct(-1.0, L.data() + begin * n + columnBegin, n, X.data() + columnBegin * n + columnBegin, n,
                           block, n, end - begin, begin - columnBegin, columns);
            for (std::int64_t i = begin; i < end; ++i) {
                double* row = X.data() + i * n + columnBegin;
                for (std::int64_t p = begin; p < i; ++p) {
                    const double l = L[static_cast<std::size_t>(i * n + p)];
                    const double* above = X.data() + p * n + columnBegin;
                    for (std::int64_t j = 0; j < columns; ++j)
                        row[j] -= l * above[j];
                }
                const double d = L[static_cast<std::size_t>(i * n + i)];
                for (std::int64_t j = 0; j < columns; ++j)
                    row[j] /= d;
            }
        }
    });
    host.checkCancelled();
    return X;
}

double energy(const std::vector<float>& E, std::int64_t rows, std::int64_t K, const std::vector<float>& H,
              const Host& host)
{
    constexpr std::int64_t kColumns = 256;
    std::vector<double> sums(static_cast<std::size_t>(rowPieces(rows)), 0.0);
    host.parallelFor(rowPieces(rows), [&](std::int64_t piece) {
        if (host.cancelled())
            return;
        const std::int64_t begin = piece * kRowsPerPiece, count = std::min(kRowsPerPiece, rows - begin);
        std::vector<float> product(static_cast<std::size_t>(kRowsPerPiece * kColumns));
        double sum = 0.0;
        for (std::int64_t column = 0; column < K; column += kColumns) {
            // Twice what is left of the diagonal block, since H is symmetric, and the diagonal block itself.
            const std::int64_t width = std::min(kColumns, K - column);
            for (const bool diagonal : {false, true}) {
                std::fill(product.begin(), product.end(), 0.0f);
                const std::int64_t from = diagonal ? column : 0, depth = diagonal ? width : column;
                addProduct(1.0f, E.data() + begin * K + from, K, H.data() + from * K + column, K, product.data(),
                           kColumns, count, depth, width);
                double part = 0.0;
                for (std::int64_t i = 0; i < count; ++i)
                    for (std::int64_t j = 0; j < width; ++j)
                        part += static_cast<double>(product[static_cast<std::size_t>(i * kColumns + j)]) *
                                static_cast<double>(E[static_cast<std::size_t>((begin + i) * K + column + j)]);
                sum += diagonal ? part : 2.0 * part;
            }
        }
        sums[static_cast<std::size_t>(piece)] = sum;
    });
    host.checkCancelled();
    double total = 0.0;
    for (const double sum : sums)
        total += sum;
    return total;
}

float roundToHalf(float value)
{
    if (value == 0.0f || !std::isfinite(value))
        return value;
    constexpr int kDigits = 11, kSmallestExponent = -24; // of a subnormal's last bit
    int exponent = 0;
    (void)std::frexp(value, &exponent); // |value| in [2^(exponent-1), 2^exponent)
    const int unit = std::max(exponent - kDigits, kSmallestExponent);
    const float rounded = std::ldexp(std::nearbyint(std::ldexp(value, -unit)), unit);
    return std::clamp(rounded, -65504.0f, 65504.0f);
}

} // namespace plugins
