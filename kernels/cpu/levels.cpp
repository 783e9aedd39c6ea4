// SPDX-License-Identifier: GPL-3.0-or-later
// Rows of W^ in float32 for products with many tokens, which a matrix library multiplies. A row group's scales are
// decoded once, to a value for each plane and column; a sign bit then moves to where floats have theirs.
#include "sa/kernels/apot_inline.h"
#include "sa/kernels/lut_gemm.h"

#include <algorithm>
#include <bit>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/levels.cpp"
#include "hwy/foreach_target.h" // IWYU pragma: keep

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace sa::kernels::HWY_NAMESPACE
{
namespace hn = hwy::HWY_NAMESPACE;

/// One row: sum over planes, ascending, of +-alpha. words: of the row, the next plane's `stride` later, the next word's
/// q * stride. alphas: [q][padded], padded a multiple of 32. out: [padded].
template<std::size_t kPlanes>
HWY_INLINE void row(const std::uint32_t* HWY_RESTRICT words, std::size_t stride, std::size_t padded,
                    const float* HWY_RESTRICT alphas, float* HWY_RESTRICT out)
{
    const hn::CappedTag<float, 32> d;
    const hn::RebindToUnsigned<decltype(d)> bits;
    const std::size_t lanes = hn::Lanes(d);
    const auto signBit = hn::Set(bits, 0x80000000U);
    for (std::size_t k = 0; k < padded; k += 32)
        for (std::size_t i = 0; i < 32; i += lanes) {
            // Bit i of a word becomes bit 31 of lane 0, bit i + 1 that of lane 1.
            const auto places = hn::Sub(hn::Set(bits, static_cast<std::uint32_t>(31 - i)), hn::Iota(bits, 0));
            auto sum = hn::Zero(d);
            for (std::size_t b = 0; b < kPlanes; ++b) {
                const auto word = hn::Set(bits, words[(k / 32 * kPlanes + b) * stride]);
                const auto minus = hn::AndNot(hn::Shl(word, places), signBit);
                const auto alpha = hn::LoadU(d, alphas + b * padded + k + i);
                const auto term = hn::BitCast(d, hn::Xor(hn::BitCast(bits, alpha), minus));
                sum = b == 0 ? term : hn::Add(sum, term);
            }
            hn::StoreU(sum, d, out + k + i);
        }
}

void levelsOfRow(const std::uint32_t* words, std::size_t stride, std::size_t planes, std::size_t padded,
                 const float* alphas, float* out)
{
    switch (planes) {
    case 1:
        return row<1>(words, stride, padded, alphas, out);
    case 2:
        return row<2>(words, stride, padded, alphas, out);
    case 3:
        return row<3>(words, stride, padded, alphas, out);
    default:
        return row<4>(words, stride, padded, alphas, out);
    }
}

} // namespace sa::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sa::kernels
{

HWY_EXPORT(levelsOfRow);

namespace
{

/// A scale in float, rounded once: of three powers of two the first two are at most 15 binary digits apart.
float scaleValue(PackedScale scale)
{
    const auto power = [](int exponent, bool minus) {
        const float value = std::bit_cast<float>(static_cast<std::uint32_t>(exponent + 127) << 23);
        return minus ? -value : value;
    };
    if (scale == 0)
        return 0.0F;
    int exponent = (scale >> 10) - kScaleExponentBias;
    float sum = power(exponent, false);
    if (const auto gap = static_cast<int>(apot::gap2(scale)); gap != 0) {
        sum += power(exponent -= gap, (scale & apot::kSign2) != 0);
        if (const auto next = static_cast<int>(apot::gap3(scale)); next != 0)
            sum += power(exponent - next, (scale & apot::kSign3) != 0);
    }
    return sum;
}

} // namespace

std::size_t denseRowStride(const SignPlanes& w) noexcept
{
    return (static_cast<std::size_t>(w.K) + 31) / 32 * 32;
}

std::size_t denseRowsScratchFloats(const SignPlanes& w) noexcept
{
    return denseRowStride(w) * static_cast<std::size_t>(w.q);
}

Status denseRows(const TiledPlanes& tiled, int rowBegin, int rowEnd, float* out, float* scratch) noexcept
{
    const SignPlanes& w = tiled.planes;
    if (const Status status = check(w); status != Status::Ok)
        return status;
    if (tiled.tileRows < 1 || rowBegin < 0 || rowBegin > rowEnd || rowEnd > w.N)
        return Status::BadShape;
    if (rowBegin == rowEnd)
        return Status::Ok;
    if (out == nullptr || scratch == nullptr)
        return Status::BadPointer;
    const auto levels = HWY_DYNAMIC_DISPATCH(levelsOfRow);
    const auto N = static_cast<std::size_t>(w.N), K = static_cast<std::size_t>(w.K), q = static_cast<std::size_t>(w.q);
    const std::size_t padded = denseRowStride(w), groups = w.rowGroups();
    const std::size_t tileRows = std::min(static_cast<std::size_t>(tiled.tileRows), N);
    std::size_t decoded = groups;
    for (auto n = static_cast<std::size_t>(rowBegin); n < static_cast<std::size_t>(rowEnd); ++n) {
        const std::size_t group = n / static_cast<std::size_t>(w.R);
        for (std::size_t b = 0; group != decoded && b < q; ++b) {
            float* alphas = scratch + b * padded;
            const auto C = static_cast<std::size_t>(w.C);
            for (std::size_t c = 0; c < w.columnGroups(); ++c)
                std::fill(alphas + c * C, alphas + std::min(padded, (c + 1) * C),
                          scaleValue(w.scales[(c * q + b) * groups + group]));
            std::fill(alphas + K, alphas + padded, 0.0F);
        }
        decoded = group;
        const std::size_t tile = n / tileRows * tileRows, rows = std::min(N, tile + tileRows) - tile;
        const std::uint32_t* words = w.bits + tile * (padded / 32) * q + (n - tile);
        levels(words, rows, q, padded, scratch, out + (n - static_cast<std::size_t>(rowBegin)) * padded);
    }
    return Status::Ok;
}

} // namespace sa::kernels
#endif
