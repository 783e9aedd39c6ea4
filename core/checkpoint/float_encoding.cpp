// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/float_encoding.h"

#include "core/checkpoint/half.h"

#include <cmath>
#include <cstring>

namespace sa
{

namespace
{

std::uint16_t floatToBfloat16(float value)
{
    const auto bits = std::bit_cast<std::uint32_t>(value);
    return static_cast<std::uint16_t>((bits + 0x7FFFu + ((bits >> 16) & 1u)) >> 16);
}

} // namespace

Result<std::vector<std::byte>> encodeFloats(Dtype dtype, std::span<const float> values)
{
    const bool known = dtype == Dtype::F32 || dtype == Dtype::F16 || dtype == Dtype::BF16;
    if (!known)
        return makeError(Errc::Unsupported, "values cannot be stored in this type")
            .butFound(name(dtype))
            .wanted("F32, F16 or BF16");
    std::vector<std::byte> out(values.size() * static_cast<std::size_t>(sizeBytes(dtype)));
    for (std::size_t i = 0; i < values.size(); ++i) {
        float stored = values[i];
        if (dtype == Dtype::F32) {
            std::memcpy(out.data() + 4 * i, &stored, 4);
        } else {
            const std::uint16_t bits = dtype == Dtype::F16 ? floatToHalf(stored) : floatToBfloat16(stored);
            stored = dtype == Dtype::F16 ? halfToFloat(bits) : bfloat16ToFloat(bits);
            std::memcpy(out.data() + 2 * i, &bits, 2);
        }
        if (!std::isfinite(stored))
            return makeError(Errc::BadInput, "a value does not fit the type of its tensor")
                .butFound(std::to_string(values[i]))
                .wanted(std::string("a finite ") + name(dtype));
    }
    return out;
}

} // namespace sa
