// SPDX-License-Identifier: GPL-3.0-or-later
// Text for calibration and evaluation.
#pragma once

#include "core/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sa
{

/// UTF-8 text of at most 1 GiB; BadInput when it is empty or only white space.
Result<std::string> readText(const std::string& path);

/// A raw WikiText file as published perplexities score it: every non-blank line with its newline, every blank line as
/// an empty string, all joined by two newlines.
std::string joinRawLines(std::string_view text);

/// `count` windows of `length` consecutive ids at random places; the same seed gives the same windows on every machine.
/// BadInput when the text has fewer than length + 1 ids.
Result<std::vector<std::vector<std::int32_t>>> sampleWindows(const std::vector<std::int32_t>& ids, int count,
                                                             int length, std::uint64_t seed);

} // namespace sa
