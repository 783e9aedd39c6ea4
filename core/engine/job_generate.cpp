// SPDX-License-Identifier: GPL-3.0-or-later
// `generate`: a text from a prompt, streamed.
#include "core/engine/loaded_model.h"
#include "core/engine/progress.h"
#include "core/protocol/messages.h"
#include "core/runtime/generate.h"

namespace sa
{

Result<Json> generateText(const GenerateSpec& spec, const JobContext& context)
{
    SA_TRY(const LoadedModel model, LoadedModel::load(spec.model, spec.threads, spec.device, context));
    const auto prompt = model.tokenizer.encode(spec.prompt);
    const SamplerOptions sampler{spec.greedy, spec.temperature, spec.topP, spec.seed};

    // The stream starts behind the prompt, so that the first new word keeps its leading space.
    Tokenizer::Stream stream(model.tokenizer);
    for (const auto id : prompt)
        stream.push(id);
    std::string text;
    int count = 0;
    ProgressMeter meter(context.emit, "decode", "tokens", spec.maxTokens);
    SA_TRY(const Generation generation,
           generate(model.decoder, prompt, spec.maxTokens, sampler, context.cancel, [&](std::int32_t id) {
               const std::string piece = stream.push(id);
               text += piece;
               context.emit(toJson(Token{id, piece}));
               meter.update(++count);
           }));
    if (const std::string rest = stream.finish(); !rest.empty()) {
        text += rest;
        if (!generation.ids.empty())
            context.emit(toJson(Token{generation.ids.back(), rest}));
    }
    return Json{{"text", text},
                {"ids", generation.ids},
                {"prompt_ids", prompt},
                {"prompt_tokens", prompt.size()},
                {"prefill_seconds", generation.prefillSeconds},
                {"tokens_per_second", generation.tokensPerSecond},
                {"stop", generation.stoppedByEos ? "eos" : "length"}};
}

} // namespace sa
