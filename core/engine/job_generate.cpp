// SPDX-License-Identifier: GPL-3.0-or-later
// `generate`: a text from a prompt or a conversation, streamed; or the scores of a given one.
#include "core/base/memory_use.h"
#include "core/chat/chat_template.h"
#include "core/engine/loaded_model.h"
#include "core/engine/progress.h"
#include "core/protocol/messages.h"
#include "core/runtime/forced.h"
#include "core/runtime/generate.h"
#include "core/runtime/stop_text.h"

#include <cmath>

namespace sa
{

namespace
{

struct Prompt {
    std::vector<TokenId> ids;
    std::string text; ///< of a conversation, as the template made it
};

Result<Prompt> promptOf(const GenerateSpec& spec, const Tokenizer& tokenizer)
{
    if (spec.messages.empty())
        return Prompt{tokenizer.encode(spec.prompt), spec.prompt};
    SA_TRY(const ChatTemplate form, ChatTemplate::open(spec.model));
    std::vector<ChatMessage> messages;
    for (const MessageSpec& message : spec.messages)
        messages.push_back({message.role, message.content});
    SA_TRY(std::string text, form.render(messages));
    // A template writes the first token itself.
    auto ids = tokenizer.encode(text, form.isPlain());
    return Prompt{std::move(ids), std::move(text)};
}

Token tokenEvent(const TokenStep& step, std::string text, const Tokenizer& tokenizer)
{
    Token token{step.id, std::move(text), step.logProbability, step.divergence, {}};
    for (const auto& [id, logProbability] : step.top)
        token.top.push_back({id, tokenizer.decode({id}, false), logProbability});
    return token;
}

Json memoryJson(const Decoder& decoder, std::int64_t cacheBytes)
{
    const MemoryUse use = memoryUse();
    return {{"weight_bytes", decoder.blockWeightBytes() + decoder.embeddings().weightBytes()},
            {"cache_bytes", cacheBytes},
            {"resident_bytes", use.residentBytes},
            {"peak_bytes", use.peakBytes}};
}

/// Emits tokens as they come, and collects their text.
class TokenStream
{
public:
    TokenStream(const GenerateSpec& spec, const Tokenizer& tokenizer, const Prompt& prompt, double tokens,
                const JobContext& context)
        : m_tokenizer(tokenizer)
        , m_context(context)
        , m_stream(tokenizer)
        , m_stop(spec.stop)
        , m_meter(context.emit, "decode", "tokens", tokens)
    {
        // The stream starts behind the prompt, so that the first new word keeps its leading space.
        for (const auto id : prompt.ids)
            m_stream.push(id);
    }

    /// False: a stop text was found.
    bool push(const TokenStep& step)
    {
        emit(step, m_stop.push(m_stream.push(step.id)));
        m_meter.update(++m_count);
        m_last = step.id;
        return !m_stop.found();
    }
    void finish()
    {
        std::string rest = m_stop.push(m_stream.finish());
        rest += m_stop.finish();
        if (rest.empty())
            return;
        if (m_count > 0)
            emit({m_last}, rest);
        else
            m_text += rest;
    }
    const std::string& text() const { return m_text; }
    bool stopped() const { return m_stop.found(); }

private:
    void emit(const TokenStep& step, const std::string& piece)
    {
        m_text += piece;
        m_context.emit(toJson(tokenEvent(step, piece, m_tokenizer)));
    }
    const Tokenizer& m_tokenizer;
    const JobContext& m_context;
    Tokenizer::Stream m_stream;
    StopText m_stop;
    ProgressMeter m_meter;
    std::string m_text;
    std::int32_t m_last = 0;
    double m_count = 0;
};

/// The model that is diverged from runs first and leaves only its states: the two need not fit together.
Result<std::optional<ForcedReference>> referenceOf(const GenerateSpec& spec, const Prompt& prompt,
                                                   const ModelConfig& config, const Tokenizer& tokenizer,
                                                   const JobContext& context)
{
    if (spec.reference.empty())
        return std::optional<ForcedReference>();
    SA_TRY(const LoadedModel original,
           LoadedModel::load(spec.reference, spec.threads, spec.device, spec.cpuPrecision, context));
    if (original.decoder.config().vocab != config.vocab ||
        original.tokenizer.encode(prompt.text) != tokenizer.encode(prompt.text))
        return makeError(Errc::BadInput, "the two models do not have the same tokens")
            .in(spec.reference)
            .at("kld_against")
            .tryThis("Divergence is measured from the model that was quantized");
    SA_TRY(ForcedReference reference, forcedReference(original.decoder, prompt.ids, spec.forceIds, context.cancel));
    return std::optional<ForcedReference>(std::move(reference));
}

Result<Json> scoreGiven(const GenerateSpec& spec, const JobContext& context)
{
    SA_TRY(const ModelFolder folder, ModelFolder::open(spec.model));
    SA_TRY(const Tokenizer tokenizer, Tokenizer::open(spec.model));
    SA_TRY(const Prompt prompt, promptOf(spec, tokenizer));
    SA_TRY(const auto reference, referenceOf(spec, prompt, folder.config, tokenizer, context));
    SA_TRY(const LoadedModel model,
           LoadedModel::load(spec.model, spec.threads, spec.device, spec.cpuPrecision, context));
    TokenStream stream(spec, tokenizer, prompt, static_cast<double>(spec.forceIds.size()), context);
    double sum = 0.0, divergence = 0.0;
    SA_TRY(const ForcedTimes times,
           scoreForced(model.decoder, prompt.ids, spec.forceIds, spec.topLogged, reference ? &*reference : nullptr,
                       context.cancel, [&](const TokenStep& step) {
                           sum += step.logProbability.value_or(0.0);
                           divergence += step.divergence.value_or(0.0);
                           stream.push(step);
                       }));
    stream.finish();
    const auto count = static_cast<double>(spec.forceIds.size());
    const auto number = [](double value) { return std::isfinite(value) ? Json(value) : Json(); };
    return Json{{"text", stream.text()},
                {"ids", spec.forceIds},
                {"prompt_ids", prompt.ids},
                {"prompt_tokens", prompt.ids.size()},
                {"prompt", spec.messages.empty() ? Json() : Json(prompt.text)},
                {"prefill_seconds", times.prefillSeconds},
                {"first_token_seconds", times.prefillSeconds},
                {"tokens_per_second", times.seconds > 0 ? count / times.seconds : 0.0},
                {"logprob_sum", number(sum)},
                {"kl_mean", reference ? number(divergence / count) : Json()},
                {"memory", memoryJson(model.decoder, times.cacheBytes)},
                {"stop", "forced"}};
}

} // namespace

Result<Json> generateText(const GenerateSpec& spec, const JobContext& context)
{
    if (!spec.forceIds.empty())
        return scoreGiven(spec, context);
    SA_TRY(const LoadedModel model,
           LoadedModel::load(spec.model, spec.threads, spec.device, spec.cpuPrecision, context));
    SA_TRY(const Prompt prompt, promptOf(spec, model.tokenizer));
    const SamplerOptions sampler{spec.greedy, spec.temperature, spec.topP, spec.seed, spec.topLogged};
    TokenStream stream(spec, model.tokenizer, prompt, spec.maxTokens, context);
    SA_TRY(const Generation generation, generate(model.decoder, prompt.ids, spec.maxTokens, sampler, context.cancel,
                                                 [&](const TokenStep& step) { return stream.push(step); }));
    stream.finish();
    return Json{{"text", stream.text()},
                {"ids", generation.ids},
                {"prompt_ids", prompt.ids},
                {"prompt_tokens", prompt.ids.size()},
                {"prompt", spec.messages.empty() ? Json() : Json(prompt.text)},
                {"prefill_seconds", generation.prefillSeconds},
                {"first_token_seconds", generation.firstTokenSeconds},
                {"tokens_per_second", generation.tokensPerSecond},
                {"memory", memoryJson(model.decoder, generation.cacheBytes)},
                {"stop", stream.stopped()          ? "stop"
                         : generation.stoppedByEos ? "eos"
                                                   : "length"}};
}

} // namespace sa
