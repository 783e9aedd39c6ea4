// SPDX-License-Identifier: GPL-3.0-or-later
// What the readers of sensitivity and plan files share.
#pragma once

#include "core/alloc/sensitivity.h"

#include <string>
#include <string_view>
#include <vector>

namespace sa
{

inline constexpr std::int64_t kMaxStoredBytes = std::int64_t{1} << 60; ///< of a whole model
inline constexpr std::size_t kMaxLinears = 100'000;

/// BadFormat for a member of `object` that is not one of `known`.
Result<void> refuseUnknownMembers(const JsonField& object, const std::vector<std::string_view>& known);
/// `format` must be this, `version` one that this program reads; else BadFormat, Unsupported.
Result<void> checkFormat(const JsonField& file, const std::string& format, int version);
/// The name of a linear layer: not empty, at most 1000 bytes, no control characters.
Result<std::string> linearName(const JsonField& field);
Result<std::uint64_t> unsignedAt(const JsonField& object, const std::string& key); ///< 0 .. 2^64 - 1
Result<std::string> sha256Text(const JsonField& field);                            ///< 64 hexadecimal digits
/// Sign planes, 1..4, or kKeptBits.
Result<int> bitsFrom(const JsonField& field);

Json toJson(const Sensitivity::Model& model);
Result<Sensitivity::Model> modelFrom(const JsonField& field);

} // namespace sa
