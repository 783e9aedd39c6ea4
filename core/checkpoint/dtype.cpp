// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/tensor_info.h"

namespace sa
{

const char* name(Dtype dtype) noexcept
{
    switch (dtype) {
    case Dtype::F64:
        return "F64";
    case Dtype::F32:
        return "F32";
    case Dtype::F16:
        return "F16";
    case Dtype::BF16:
        return "BF16";
    case Dtype::I64:
        return "I64";
    case Dtype::I32:
        return "I32";
    case Dtype::I16:
        return "I16";
    case Dtype::I8:
        return "I8";
    case Dtype::U8:
        return "U8";
    case Dtype::Bool:
        return "BOOL";
    case Dtype::U64:
        return "U64";
    case Dtype::U32:
        return "U32";
    case Dtype::U16:
        return "U16";
    case Dtype::F8E4M3:
        return "F8_E4M3";
    case Dtype::F8E5M2:
        return "F8_E5M2";
    case Dtype::F8E8M0:
        return "F8_E8M0";
    case Dtype::C64:
        return "C64";
    }
    return "?";
}

int sizeBytes(Dtype dtype) noexcept
{
    switch (dtype) {
    case Dtype::F64:
    case Dtype::I64:
    case Dtype::U64:
    case Dtype::C64:
        return 8;
    case Dtype::F32:
    case Dtype::I32:
    case Dtype::U32:
        return 4;
    case Dtype::F16:
    case Dtype::BF16:
    case Dtype::I16:
    case Dtype::U16:
        return 2;
    case Dtype::I8:
    case Dtype::U8:
    case Dtype::Bool:
    case Dtype::F8E4M3:
    case Dtype::F8E5M2:
    case Dtype::F8E8M0:
        return 1;
    }
    return 1;
}

std::int64_t TensorInfo::elements() const
{
    std::int64_t product = 1;
    for (const auto extent : shape)
        product *= extent;
    return product;
}

std::string TensorInfo::shapeText() const
{
    std::string text = "[";
    for (std::size_t i = 0; i < shape.size(); ++i)
        text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
    return text + "]";
}

} // namespace sa
