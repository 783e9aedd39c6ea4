// SPDX-License-Identifier: GPL-3.0-or-later
// Base64 (RFC 4648, with padding), in which tokenizer files keep bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sa::tokenizer
{

/// Nothing when `text` is not base64.
std::optional<std::string> decodeBase64(std::string_view text);

} // namespace sa::tokenizer
