// SPDX-License-Identifier: GPL-3.0-or-later
// Writes a dictionary of tensors as torch.save does (core/checkpoint/torch_file.h): what torch.load opens, also with
// weights_only. Deterministic: same name and data, same bytes.
#pragma once

#include "core/base/result.h"
#include "core/checkpoint/tensor_info.h"

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace sa
{

struct TorchTensor {
    std::string name;
    Dtype dtype = Dtype::F32; ///< F32 or I32
    std::vector<std::int64_t> shape;
    std::span<const std::byte> bytes; ///< row-major, as large as type and shape say
};

/// The file appears whole. Unsupported above 4 GiB. `folder` is the name that the archive uses inside; torch.save takes
/// the file's name without its ending.
Result<void> writeTorchFile(const std::string& path, const std::string& folder,
                            const std::vector<TorchTensor>& tensors);

} // namespace sa
