// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/jobs/job_results.h"

#include <limits>

namespace sa::ui
{

namespace
{

constexpr double kMax = std::numeric_limits<double>::max();
constexpr std::int64_t kMaxCount = std::int64_t{1} << 53;

constexpr std::size_t kMaxLayers = 100'000;

Result<std::optional<Prediction>> parsePrediction(const JsonField& root)
{
    const auto field = root.find("prediction");
    if (!field)
        return std::optional<Prediction>();
    Prediction prediction;
    if (field->has("kendall_tau")) {
        SA_TRY(prediction.kendallTau, field->doubleOr("kendall_tau", 0, -1, 1));
    }
    SA_TRY(const JsonField list, field->at("layers"));
    SA_TRY(const auto layers, list.elements(kMaxLayers));
    for (const JsonField& layer : layers) {
        constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
        Prediction::Layer value;
        SA_TRY(value.name, layer.stringAt("name"));
        SA_TRY(const std::int64_t bits, layer.intOr("bits", 0, 0, 16));
        value.bits = static_cast<int>(bits);
        SA_TRY(value.predicted, layer.doubleOr("predicted", kNone, 0, kMax));
        SA_TRY(value.measured, layer.doubleOr("measured", kNone, 0, kMax));
        prediction.layers.push_back(std::move(value));
    }
    return std::optional<Prediction>(std::move(prediction));
}

/// Of the last variant, which is what the folder holds.
Result<std::optional<double>> parseTokenBytes(const JsonField& root)
{
    const auto cost = root.find("cost");
    if (!cost)
        return std::optional<double>();
    SA_TRY(const JsonField list, cost->at("variants"));
    SA_TRY(const auto variants, list.elements(100));
    if (variants.empty())
        return std::optional<double>();
    SA_TRY(const JsonField total, variants.back().at("total"));
    SA_TRY(const double bytes, total.doubleOr("bytes", 0, 0, kMax));
    return bytes > 0 ? std::optional<double>(bytes) : std::nullopt;
}

} // namespace

Result<QuantizeResult> parseQuantizeResult(const Json& result)
{
    const JsonField root(result, "", "result");
    QuantizeResult value;
    SA_TRY(value.seconds, root.doubleOr("seconds", 0, 0, kMax));
    SA_TRY(const JsonField bits, root.at("bits_per_weight"));
    SA_TRY(value.bitsPerWeight, bits.asDouble(0, 1024));
    SA_TRY(const std::int64_t stored, root.intAt("stored_bytes", 0, kMaxCount));
    SA_TRY(const std::int64_t original, root.intAt("original_bytes", 0, kMaxCount));
    value.storedBytes = static_cast<std::uint64_t>(stored);
    value.originalBytes = static_cast<std::uint64_t>(original);
    SA_TRY(value.tokenBytes, parseTokenBytes(root));
    SA_TRY(value.prediction, parsePrediction(root));
    return value;
}

Result<EvaluateResult> parseEvaluateResult(const Json& result)
{
    const JsonField root(result, "", "result");
    EvaluateResult value;
    SA_TRY(value.perplexity, root.doubleOr("perplexity", std::numeric_limits<double>::quiet_NaN(), 0, kMax));
    SA_TRY(value.tokens, root.intOr("tokens", 0, 0, kMaxCount));
    SA_TRY(value.windows, root.intOr("windows", 0, 0, kMaxCount));
    SA_TRY(value.seconds, root.doubleOr("seconds", 0, 0, kMax));
    SA_TRY(value.tokensPerSecond, root.doubleOr("tokens_per_second", 0, 0, kMax));
    return value;
}

Result<GenerateResult> parseGenerateResult(const Json& result)
{
    const JsonField root(result, "", "result");
    GenerateResult value;
    SA_TRY(value.prefillSeconds, root.doubleOr("prefill_seconds", 0, 0, kMax));
    SA_TRY(value.tokensPerSecond, root.doubleOr("tokens_per_second", 0, 0, kMax));
    if (const auto ids = root.find("ids")) {
        SA_TRY(const auto list, ids->elements());
        value.tokens = static_cast<std::int64_t>(list.size());
    }
    return value;
}

} // namespace sa::ui
