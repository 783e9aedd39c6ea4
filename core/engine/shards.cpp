// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/shards.h"

#include <charconv>

namespace sa
{

namespace
{

/// The block a tensor belongs to, or -1.
std::int64_t blockOf(const std::string& tensor, std::string_view stem, std::int64_t blocks)
{
    if (!tensor.starts_with(stem) || tensor.size() <= stem.size() || tensor[stem.size()] != '.')
        return -1;
    std::int64_t block = -1;
    const char* end = tensor.data() + tensor.size();
    const auto [after, failed] = std::from_chars(tensor.data() + stem.size() + 1, end, block);
    const bool isNumber = failed == std::errc() && after != end && *after == '.';
    return isNumber && block >= 0 && block < blocks ? block : -1;
}

} // namespace

std::vector<std::vector<std::string>> dealToShards(const std::vector<std::string>& names, std::string_view stem,
                                                   std::int64_t blocks)
{
    std::vector<std::vector<std::string>> shards(static_cast<std::size_t>(blocks) + 1);
    for (const auto& tensor : names)
        shards[static_cast<std::size_t>(blockOf(tensor, stem, blocks) + 1)].push_back(tensor);
    return shards;
}

} // namespace sa
