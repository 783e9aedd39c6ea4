// SPDX-License-Identifier: GPL-3.0-or-later
// What is known of a tensor in a file before its data are read. The vocabulary is that of safetensors.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sa
{

/// Every type of the format whose elements are whole bytes. Those after Bool are read as bytes and computed with
/// nowhere: a file may hold such a tensor, and whoever needs its values refuses it by name.
enum class Dtype { F64, F32, F16, BF16, I64, I32, I16, I8, U8, Bool, U64, U32, U16, F8E4M3, F8E5M2, F8E8M0, C64 };
const char* name(Dtype dtype) noexcept; ///< the safetensors spelling: "F16", "BOOL"
int sizeBytes(Dtype dtype) noexcept;

struct TensorInfo {
    std::string name;
    Dtype dtype = Dtype::F32;
    std::vector<std::int64_t> shape;
    std::uint64_t offset = 0; ///< of the first element, from the start of the file
    std::uint64_t sizeBytes = 0;
    std::int64_t elements() const;
    std::string shapeText() const; ///< "[704, 256]"
};

} // namespace sa
