// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/shards.h"

#include "core/model/config.h"

#include <charconv>

namespace sa
{

namespace
{

/// The block a tensor belongs to, or -1.
std::int64_t blockOf(const std::string& tensor, std::int64_t blocks)
{
    const std::string stem = "model.layers.";
    if (tensor.rfind(stem, 0) != 0)
        return -1;
    std::int64_t block = -1;
    const char* end = tensor.data() + tensor.size();
    const auto [after, failed] = std::from_chars(tensor.data() + stem.size(), end, block);
    const bool isNumber = failed == std::errc() && after != end && *after == '.';
    return isNumber && block >= 0 && block < blocks ? block : -1;
}

} // namespace

std::vector<std::vector<std::string>> dealToShards(const std::vector<std::string>& names, std::int64_t blocks)
{
    std::vector<std::vector<std::string>> shards(static_cast<std::size_t>(blocks) + 1);
    for (const auto& tensor : names)
        shards[static_cast<std::size_t>(blockOf(tensor, blocks) + 1)].push_back(tensor);
    return shards;
}

} // namespace sa
