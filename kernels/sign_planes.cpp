// SPDX-License-Identifier: GPL-3.0-or-later
#include "sa/kernels/sign_planes.h"

#include <algorithm>

namespace sa::kernels
{
namespace
{

constexpr int kMaxPlanes = 4;

template<class T> bool usable(const T* pointer)
{
    return pointer != nullptr && reinterpret_cast<std::uintptr_t>(pointer) % alignof(T) == 0;
}

} // namespace

Status check(const SignPlanes& planes) noexcept
{
    if (planes.N < 1 || planes.K < 1 || planes.q < 1 || planes.q > kMaxPlanes)
        return Status::BadShape;
    if (planes.R < 1 || planes.R > planes.N)
        return Status::BadShape;
    const std::int64_t widest = (static_cast<std::int64_t>(planes.K) + 7) / 8 * 8;
    if (planes.C != 1 && (planes.C < 8 || planes.C % 8 != 0 || planes.C > widest))
        return Status::BadShape;
    return usable(planes.bits) && usable(planes.scales) ? Status::Ok : Status::BadPointer;
}

bool planesValid(const SignPlanes& planes) noexcept
{
    if (check(planes) != Status::Ok)
        return false;
    if (!std::all_of(planes.scales, planes.scales + planes.scaleCount(), apotValid))
        return false;
    const int tail = planes.K % 32;
    if (tail == 0)
        return true;
    const std::uint32_t padding = ~0U << tail;
    const auto lastWords = static_cast<std::size_t>(planes.q) * static_cast<std::size_t>(planes.N);
    const std::uint32_t* end = planes.bits + planes.wordCount();
    return std::none_of(end - lastWords, end, [padding](std::uint32_t word) { return (word & padding) != 0; });
}

Status packBits(const std::int8_t* codes, int N, int K, int q, std::uint32_t* words) noexcept
{
    if (N < 1 || K < 1 || q < 1 || q > kMaxPlanes)
        return Status::BadShape;
    if (!usable(codes) || !usable(words))
        return Status::BadPointer;
    const auto rows = static_cast<std::size_t>(N);
    const auto columns = static_cast<std::size_t>(K);
    std::uint32_t* out = words;
    for (std::size_t begin = 0; begin < columns; begin += 32) {
        const std::size_t count = std::min<std::size_t>(32, columns - begin);
        for (std::size_t row = 0; row < static_cast<std::size_t>(q) * rows; ++row) {
            const std::int8_t* code = codes + row * columns + begin;
            std::uint32_t word = 0;
            for (std::size_t i = 0; i < count; ++i)
                word |= static_cast<std::uint32_t>(code[i] >= 0) << i;
            *out++ = word;
        }
    }
    return Status::Ok;
}

} // namespace sa::kernels
