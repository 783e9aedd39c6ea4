// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/tensor_file.h"

namespace sa
{

Result<void> TensorFile::read(const TensorInfo& tensor, std::span<std::byte> out) const
{
    if (out.size() != tensor.sizeBytes)
        return makeError(Errc::Internal, "a tensor is read into a buffer of another size")
            .in(path())
            .at(display(tensor.name))
            .butFound(std::to_string(out.size()) + " bytes")
            .wanted(std::to_string(tensor.sizeBytes) + " bytes");
    return readPart(tensor, 0, out);
}

Result<void> TensorFile::checkRange(const TensorInfo& tensor, std::uint64_t begin, std::uint64_t count) const
{
    if (begin > tensor.sizeBytes || count > tensor.sizeBytes - begin)
        return makeError(Errc::Internal, "a read goes past the end of a tensor").in(path()).at(display(tensor.name));
    return {};
}

} // namespace sa
