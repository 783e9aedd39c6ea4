// SPDX-License-Identifier: GPL-3.0-or-later
#include "sa/kernels/rows.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/rows.cpp"
#include "hwy/foreach_target.h" // IWYU pragma: keep

#include "hwy/cache_control.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace sa::kernels::HWY_NAMESPACE
{
namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using FloatVector = hn::Vec<FloatTag>;

HWY_INLINE FloatVector widen(FloatTag d, const float* p)
{
    return hn::LoadU(d, p);
}

HWY_INLINE FloatVector widen(FloatTag d, const std::int8_t* p)
{
    const hn::Rebind<std::int32_t, FloatTag> integers;
    return hn::ConvertTo(d, hn::PromoteTo(integers, hn::LoadU(hn::Rebind<std::int8_t, FloatTag>(), p)));
}

template<class T> HWY_INLINE FloatVector widen(FloatTag d, const T* p)
{
    return hn::PromoteTo(d, hn::LoadU(hn::Rebind<T, FloatTag>(), p));
}

/// Distance of the software prefetch in each row, bytes.
inline constexpr std::size_t kAhead = 2048;

/// The dots of every `apart`-th row at once, each in two vectors of partial sums: x is read once for all of them.
template<std::size_t kRows, class T>
HWY_INLINE void dots(const T* HWY_RESTRICT rows, std::size_t apart, std::size_t K, const float* HWY_RESTRICT x,
                     float* HWY_RESTRICT out)
{
    const FloatTag d;
    const std::size_t lanes = hn::Lanes(d);
    FloatVector a[kRows], b[kRows];
    for (std::size_t r = 0; r < kRows; ++r)
        a[r] = b[r] = hn::Zero(d);
    std::size_t k = 0;
    for (; k + 2 * lanes <= K; k += 2 * lanes) {
        const FloatVector x0 = hn::LoadU(d, x + k), x1 = hn::LoadU(d, x + k + lanes);
        for (std::size_t r = 0; r < kRows; ++r) // the hardware's prefetch stops at the end of a page
            for (std::size_t at = 0; at < 2 * lanes; at += 64 / sizeof(T))
                hwy::Prefetch(rows + r * apart * K + k + at + kAhead / sizeof(T));
        for (std::size_t r = 0; r < kRows; ++r) {
            a[r] = hn::MulAdd(widen(d, rows + r * apart * K + k), x0, a[r]);
            b[r] = hn::MulAdd(widen(d, rows + r * apart * K + k + lanes), x1, b[r]);
        }
    }
    for (; k < K; k += lanes) { // what is left, with zeros behind it
        const std::size_t left = std::min(lanes, K - k);
        T row[hn::MaxLanes(d)] = {};
        float tail[hn::MaxLanes(d)] = {};
        std::copy_n(x + k, left, tail);
        const FloatVector x0 = hn::LoadU(d, tail);
        for (std::size_t r = 0; r < kRows; ++r) {
            std::copy_n(rows + r * apart * K + k, left, row);
            a[r] = hn::MulAdd(widen(d, row), x0, a[r]);
        }
    }
    for (std::size_t r = 0; r < kRows; ++r)
        out[r * apart] = hn::GetLane(hn::SumOfLanes(d, hn::Add(a[r], b[r])));
}

template<class T> void allDots(const T* rows, std::size_t count, std::size_t K, const float* x, float* out)
{
    // Rows of four quarters: each is a stream of memory, and four streams have more in flight than one.
    const std::size_t quarter = count / 4;
    for (std::size_t r = 0; r < quarter; ++r)
        dots<4>(rows + r * K, quarter, K, x, out + r);
    for (std::size_t r = 4 * quarter; r < count; ++r)
        dots<1>(rows + r * K, 0, K, x, out + r);
}

void rowDots(const void* rows, Element element, std::int64_t count, std::int64_t K, const float* x, float* out)
{
    const auto c = static_cast<std::size_t>(count), k = static_cast<std::size_t>(K);
    if (element == Element::F32)
        allDots(static_cast<const float*>(rows), c, k, x, out);
    else if (element == Element::F16)
        allDots(static_cast<const hwy::float16_t*>(rows), c, k, x, out);
    else if (element == Element::BF16)
        allDots(static_cast<const hwy::bfloat16_t*>(rows), c, k, x, out);
    else
        allDots(static_cast<const std::int8_t*>(rows), c, k, x, out);
}

void weightedRowSum(const float* HWY_RESTRICT rows, std::int64_t count, std::int64_t K,
                    const float* HWY_RESTRICT weights, float* HWY_RESTRICT out)
{
    const FloatTag d;
    const std::size_t lanes = hn::Lanes(d);
    const auto n = static_cast<std::size_t>(count), columns = static_cast<std::size_t>(K);
    std::size_t k = 0;
    for (; k + 4 * lanes <= columns; k += 4 * lanes) {
        FloatVector sum[4] = {hn::Zero(d), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
        for (std::size_t r = 0; r < n; ++r) {
            const FloatVector weight = hn::Set(d, weights[r]);
            for (std::size_t v = 0; v < 4; ++v)
                sum[v] = hn::MulAdd(weight, hn::LoadU(d, rows + r * columns + k + v * lanes), sum[v]);
        }
        for (std::size_t v = 0; v < 4; ++v)
            hn::StoreU(sum[v], d, out + k + v * lanes);
    }
    for (; k < columns; ++k) {
        float sum = 0.0F;
        for (std::size_t r = 0; r < n; ++r)
            sum += weights[r] * rows[r * columns + k];
        out[k] = sum;
    }
}

} // namespace sa::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sa::kernels
{

HWY_EXPORT(rowDots);
HWY_EXPORT(weightedRowSum);

void rowDots(const void* rows, Element element, std::int64_t count, std::int64_t K, const float* x, float* out) noexcept
{
    HWY_DYNAMIC_DISPATCH(rowDots)(rows, element, count, K, x, out);
}

void weightedRowSum(const float* rows, std::int64_t count, std::int64_t K, const float* weights, float* out) noexcept
{
    HWY_DYNAMIC_DISPATCH(weightedRowSum)(rows, count, K, weights, out);
}

} // namespace sa::kernels
#endif
