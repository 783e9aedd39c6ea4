// SPDX-License-Identifier: GPL-3.0-or-later
// `evaluate`: perplexity of a text.
#include "core/engine/loaded_model.h"
#include "core/engine/progress.h"
#include "core/eval/perplexity.h"
#include "core/eval/text.h"

namespace sa
{

Result<Json> evaluateModel(const EvaluateSpec& spec, const JobContext& context)
{
    SA_TRY(std::string text, readText(spec.text));
    if (spec.join == "raw")
        text = joinRawLines(text);
    SA_TRY(const LoadedModel model, LoadedModel::load(spec.model, spec.threads, spec.device, context));
    if (spec.seqlen > model.decoder.config().positions)
        return makeError(Errc::Usage, "the window is longer than the model's context")
            .at("seqlen")
            .butFound(std::to_string(spec.seqlen))
            .wanted("at most " + std::to_string(model.decoder.config().positions));
    const auto ids = model.tokenizer.encode(text);
    SA_CHECK(context.cancel.check());

    const Stopwatch watch;
    std::optional<ProgressMeter> meter;
    auto result = perplexity(model.decoder, ids, spec.seqlen, spec.maxWindows, context.cancel,
                             [&](std::int64_t done, std::int64_t of) {
                                 if (!meter)
                                     meter.emplace(context.emit, "evaluate", "windows", static_cast<double>(of));
                                 meter->update(static_cast<double>(done));
                             });
    if (!result)
        return std::move(result).error().in(spec.text);
    const double seconds = watch.seconds();
    // JSON has no infinity: a model that is that broken has no perplexity.
    const Json value = std::isfinite(result->perplexity) ? Json(result->perplexity) : Json(nullptr);
    return Json{{"perplexity", value},
                {"tokens", result->tokens},
                {"windows", result->windows},
                {"seconds", seconds},
                {"tokens_per_second", static_cast<double>(result->windows * spec.seqlen) / seconds},
                {"resident_linear_bytes", model.decoder.blockWeightBytes()}};
}

} // namespace sa
