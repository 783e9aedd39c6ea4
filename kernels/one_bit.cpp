// SPDX-License-Identifier: GPL-3.0-or-later
#include "sa/kernels/one_bit.h"

#include <algorithm>
#include <limits>

namespace sa::kernels
{

namespace
{

using namespace onebit;

/// Calls visit(word of the layout, word of the interchange format) for every word that is not padding.
template<class Visit> void forEachWord(const SignPlanes& w, Visit visit)
{
    const auto N = static_cast<std::size_t>(w.N), words = (static_cast<std::size_t>(w.K) + 31) / 32;
    const auto q = static_cast<std::size_t>(w.q);
    const auto chunks = static_cast<std::size_t>(oneBitChunks(w));
    std::size_t tile = 0;
    for (std::size_t begin = 0; begin < N; begin += static_cast<std::size_t>(w.R)) {
        const std::size_t end = std::min(N, begin + static_cast<std::size_t>(w.R));
        for (std::size_t row = begin; row < end; row += kTileRows, ++tile) {
            const int rows = static_cast<int>(std::min<std::size_t>(kTileRows, end - row));
            for (std::size_t v = 0; v < q * words; ++v) {
                const VirtualWord place = wordAt(static_cast<int>(v), w.q, static_cast<int>(words));
                const std::size_t source =
                    (static_cast<std::size_t>(place.word) * q + static_cast<std::size_t>(place.plane)) * N + row;
                const std::size_t target = (tile * chunks + v / kChunkWords) * kTileWords;
                for (int r = 0; r < rows; ++r)
                    visit(target + static_cast<std::size_t>(indexInTile(r, static_cast<int>(v % kChunkWords))),
                          source + static_cast<std::size_t>(r));
            }
        }
    }
}

std::uint32_t bitsOf(float value)
{
    std::uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

/// One token against the rows of one group.
void productOfGroup(const SignPlanes& w, const float* x, std::size_t group, const float* bias, float* y)
{
    const auto N = static_cast<std::size_t>(w.N), K = static_cast<std::size_t>(w.K), q = static_cast<std::size_t>(w.q);
    const std::size_t groups = w.rowGroups();
    const auto scaleAt = [&](std::size_t b, std::size_t k) {
        return w.scales[(k / static_cast<std::size_t>(w.C) * q + b) * groups + group];
    };
    int e = kNoExponent;
    for (std::size_t k = 0; k < K; ++k) {
        const std::uint32_t magnitude = bitsOf(x[k]) & kMagnitude;
        if (magnitude >= 0x7F800000U) {
            e = kNotFinite;
            break;
        }
        for (std::size_t b = 0; b < q; ++b)
            e = std::max(e, exponentAbove(magnitude, scaleAt(b, k)));
    }
    const std::size_t groupBegin = group * static_cast<std::size_t>(w.R);
    const std::size_t groupEnd = std::min(N, groupBegin + static_cast<std::size_t>(w.R));
    constexpr std::size_t kRows = 1024; // that share one pass over the fixed-point numbers
    for (std::size_t begin = groupBegin; begin < groupEnd; begin += kRows) {
        const std::size_t end = std::min(groupEnd, begin + kRows);
        std::int64_t sums[kRows] = {};
        for (std::size_t k0 = 0; k0 < K && e != kNotFinite && e != kNoExponent; k0 += 32) {
            for (std::size_t b = 0; b < q; ++b) {
                std::int32_t values[32] = {};
                for (std::size_t k = k0; k < std::min(K, k0 + 32); ++k)
                    values[k - k0] = fixedPoint(bitsOf(x[k]), scaleAt(b, k), e);
                for (std::size_t n = begin; n < end; ++n) {
                    const std::uint32_t word = w.bits[(k0 / 32 * q + b) * N + n];
                    for (std::size_t i = 0; i < 32; ++i)
                        sums[n - begin] += (word >> i & 1U) != 0 ? values[i] : -values[i];
                }
            }
        }
        for (std::size_t n = begin; n < end; ++n) {
            const float c = bias == nullptr ? 0.0F : bias[n];
            y[n] = e == kNotFinite    ? std::numeric_limits<float>::quiet_NaN()
                   : e == kNoExponent ? c
                                      : scaledResult(sums[n - begin], e, c);
        }
    }
}

} // namespace

int oneBitChunks(const SignPlanes& w) noexcept
{
    return (w.q * ((w.K + 31) / 32) + kChunkWords - 1) / kChunkWords;
}

int oneBitTiles(const SignPlanes& w) noexcept
{
    const int whole = w.N / w.R, rest = w.N % w.R;
    return whole * ((w.R + kTileRows - 1) / kTileRows) + (rest + kTileRows - 1) / kTileRows;
}

Status toOneBitTiles(const SignPlanes& w, std::uint32_t* out) noexcept
{
    if (const Status status = check(w); status != Status::Ok)
        return status;
    if (out == nullptr)
        return Status::BadPointer;
    std::fill_n(out, static_cast<std::size_t>(oneBitTiles(w)) * static_cast<std::size_t>(oneBitChunks(w)) * kTileWords,
                0U);
    forEachWord(w, [&](std::size_t tiled, std::size_t plain) { out[tiled] = w.bits[plain]; });
    return Status::Ok;
}

Status fromOneBitTiles(const SignPlanes& shape, const std::uint32_t* tiles, std::uint32_t* bits) noexcept
{
    if (shape.N < 1 || shape.K < 1 || shape.q < 1 || shape.R < 1)
        return Status::BadShape;
    if (tiles == nullptr || bits == nullptr)
        return Status::BadPointer;
    forEachWord(shape, [&](std::size_t tiled, std::size_t plain) { bits[plain] = tiles[tiled]; });
    return Status::Ok;
}

Status oneBitRef(const SignPlanes& w, const float* x, int M, const float* bias, float* y, std::ptrdiff_t ldy) noexcept
{
    if (const Status status = check(w); status != Status::Ok)
        return status;
    if (M < 0 || (M > 1 && ldy < w.N))
        return Status::BadShape;
    if (M > 0 && (x == nullptr || y == nullptr))
        return Status::BadPointer;
    for (int m = 0; m < M; ++m)
        for (std::size_t group = 0; group < w.rowGroups(); ++group)
            productOfGroup(w, x + static_cast<std::ptrdiff_t>(m) * w.K, group, bias, y + m * ldy);
    return Status::Ok;
}

} // namespace sa::kernels
