// SPDX-License-Identifier: GPL-3.0-or-later
// The result objects of docs/PROTOCOL.md as values. The worker is not trusted: ranges are checked.
#pragma once

#include "core/base/json.h"

#include <cstdint>

namespace sa::ui
{

struct QuantizeResult {
    double seconds = 0, bitsPerWeight = 0;
    std::uint64_t storedBytes = 0, originalBytes = 0;
};
Result<QuantizeResult> parseQuantizeResult(const Json& result);

struct EvaluateResult {
    double perplexity = 0; ///< not a number when the model's loss is not finite
    std::int64_t tokens = 0, windows = 0;
    double seconds = 0, tokensPerSecond = 0;
};
Result<EvaluateResult> parseEvaluateResult(const Json& result);

struct GenerateResult {
    double prefillSeconds = 0, tokensPerSecond = 0;
    std::int64_t tokens = 0;
};
Result<GenerateResult> parseGenerateResult(const Json& result);

} // namespace sa::ui
