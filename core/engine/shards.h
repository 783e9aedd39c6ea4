// SPDX-License-Identifier: GPL-3.0-or-later
// How tensors are dealt to the shards of a folder that this program writes: shard 0 holds what is outside the decoder
// blocks, shard i + 1 block i. A finished block is then a finished file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sa
{

/// `names`: tensor names; the order within a shard is theirs. `stem`: what block names start with, "model.layers".
std::vector<std::vector<std::string>> dealToShards(const std::vector<std::string>& names, std::string_view stem,
                                                   std::int64_t blocks);

} // namespace sa
