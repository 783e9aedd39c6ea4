// SPDX-License-Identifier: GPL-3.0-or-later
// What the parts of tokenizer.json have in common: an object with a "type" and a closed set of other fields.
#pragma once

#include "core/base/json.h"

#include <initializer_list>
#include <string>
#include <string_view>

namespace sa::tokenizer
{

/// Limits on what one part may multiply the length of a text by, all parts together (the product).
inline constexpr double kMaxGrowth = 512;
inline constexpr std::size_t kMaxParts = 64;

Result<std::string> typeOf(const JsonField& part);
/// Unsupported, naming the field: a field that is not understood may change the result.
Result<void> onlyFields(const JsonField& part, std::initializer_list<std::string_view> known);
/// "the <kind> "<type>" is not supported", at `part`.
Error unsupportedType(const JsonField& part, const std::string& kind, const std::string& type);
/// The elements of a Sequence; Unsupported when there are more than kMaxParts.
Result<std::vector<JsonField>> sequenceOf(const JsonField& part, const std::string& key);
/// A field that must hold exactly one character.
Result<std::string> characterAt(const JsonField& part, const std::string& key);
Result<bool> boolAt(const JsonField& part, const std::string& key);

} // namespace sa::tokenizer
