// SPDX-License-Identifier: GPL-3.0-or-later
// One weight file of whatever format: named tensors whose values can be read in row-major order. What is listed was
// checked against the file, so that sizes may be believed.
#pragma once

#include "core/base/result.h"
#include "core/checkpoint/tensor_info.h"

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace sa
{

class TensorFile
{
public:
    virtual ~TensorFile() = default;

    virtual const std::string& path() const = 0;
    virtual std::uint64_t fileBytes() const = 0;
    virtual const std::map<std::string, TensorInfo>& tensors() const = 0;
    /// What is odd about the file and hurts nobody; sentences without the file's name.
    virtual std::vector<std::string> warnings() const { return {}; }

    /// `tensor` is one of tensors(); `out` must be its size. Thread-safe.
    Result<void> read(const TensorInfo& tensor, std::span<std::byte> out) const;
    /// Bytes [begin, begin + out.size()) of the tensor in row-major order. Formats with gathered tensors want whole
    /// elements (Internal otherwise).
    virtual Result<void> readPart(const TensorInfo& tensor, std::uint64_t begin, std::span<std::byte> out) const = 0;

protected:
    TensorFile() = default;
    TensorFile(const TensorFile&) = default;
    TensorFile(TensorFile&&) = default;
    TensorFile& operator=(const TensorFile&) = default;
    TensorFile& operator=(TensorFile&&) = default;
    /// Internal unless the bytes are inside the tensor.
    Result<void> checkRange(const TensorInfo& tensor, std::uint64_t begin, std::uint64_t count) const;
};

} // namespace sa
