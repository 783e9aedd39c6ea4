// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/jobs/job_results.h"

#include <limits>

namespace sa::ui
{

namespace
{

constexpr double kMax = std::numeric_limits<double>::max();
constexpr std::int64_t kMaxCount = std::int64_t{1} << 53;

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
