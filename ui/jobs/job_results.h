// SPDX-License-Identifier: GPL-3.0-or-later
// The result objects of docs/PROTOCOL.md as values. The worker is not trusted: ranges are checked.
#pragma once

#include "core/base/json.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sa::ui
{

/// What an analysis had said of the layers, beside what the run has measured.
struct Prediction {
    struct Layer {
        std::string name;
        int bits = 0;
        double predicted = 0, measured = 0; ///< relative errors; NaN where the worker sent null
    };
    std::vector<Layer> layers;
    std::optional<double> kendallTau; ///< 1: the same order, 0: no relation
};

struct QuantizeResult {
    double seconds = 0, bitsPerWeight = 0;
    std::uint64_t storedBytes = 0, originalBytes = 0;
    std::optional<double> tokenBytes; ///< that one decoded token of the packed model moves
    std::optional<Prediction> prediction;
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
