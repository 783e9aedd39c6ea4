// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/tokenizer.h"

#include "core/tokenizer/pipeline.h"
#include "core/tokenizer/tokenizer_folder.h"
#include "core/tokenizer/unicode.h"

#include <algorithm>
#include <utility>

namespace sa
{

using tokenizer::AddedToken;
using tokenizer::AddedTokens;
using tokenizer::kNoToken;
using tokenizer::Model;
using tokenizer::Normalizer;
using tokenizer::Pieces;
using tokenizer::Pipeline;
using tokenizer::RegexScratch;
using tokenizer::Span;
using tokenizer::TokenSink;

namespace
{

/// The last sink: collects the text.
class Collector : public TokenSink
{
public:
    void text(std::string_view part) override { m_text += part; }
    void endToken() override {}
    void finish() override {}
    std::string take() { return std::exchange(m_text, {}); }

private:
    std::string m_text;
};

constexpr std::string_view kSpaceMark = "▁";

std::string withSpaces(std::string_view text)
{
    std::string out;
    std::size_t from = 0;
    for (std::size_t at = 0; (at = text.find(kSpaceMark, from)) != std::string_view::npos;
         from = at + kSpaceMark.size()) {
        out.append(text, from, at - from);
        out += ' ';
    }
    return out.append(text, from, text.size() - from);
}

void dropLonePrefix(const Pipeline::OwnPrefix& prefix, std::size_t textBegin, std::vector<TokenId>& ids)
{
    if (ids.size() < textBegin + 2 || ids[textBegin] != prefix.mark)
        return;
    const auto& before = prefix.vanishesBefore;
    if (std::find(before.begin(), before.end(), ids[textBegin + 1]) != before.end())
        ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(textBegin));
}

} // namespace

struct Tokenizer::Impl {
    Pipeline pipeline;

    /// What one call of encode() needs all the way down.
    struct Work {
        RegexScratch& regex;
        Model::Scratch& model;
        const CancelToken* cancel;
        bool cancelled() const { return cancel && cancel->cancelled(); }
    };
    void encodeSection(std::string_view text, bool atStart, const Work& work, std::vector<TokenId>& out) const;
    void encodePlain(std::string_view text, bool atStart, const Work& work, std::vector<TokenId>& out) const;
};

/// Between added tokens that are looked for in the raw text.
void Tokenizer::Impl::encodeSection(std::string_view text, bool atStart, const Work& work,
                                    std::vector<TokenId>& out) const
{
    if (work.cancelled())
        return;
    std::string normalized;
    const Normalizer* const normalizer =
        (atStart || !pipeline.laterNormalizer ? pipeline.normalizer : pipeline.laterNormalizer).get();
    if (normalizer) {
        normalized = text;
        normalizer->apply(normalized, work.regex);
        text = normalized;
    }
    if (!pipeline.added.any(true)) {
        encodePlain(text, atStart, work, out);
        return;
    }
    std::vector<AddedTokens::Section> sections;
    pipeline.added.split(text, true, sections);
    for (const auto& section : sections) {
        if (section.id != kNoToken)
            out.push_back(section.id);
        else
            encodePlain(text.substr(section.begin, section.end - section.begin), atStart && section.begin == 0, work,
                        out);
    }
}

/// Without added tokens in it.
void Tokenizer::Impl::encodePlain(std::string_view text, bool atStart, const Work& work,
                                  std::vector<TokenId>& out) const
{
    if (text.empty())
        return;
    if (!pipeline.preTokenizer) {
        pipeline.model->tokenize(text, work.model, out);
        return;
    }
    Pieces pieces{std::string(text), {{0, text.size(), false}}, atStart};
    pipeline.preTokenizer->apply(pieces, work.regex);
    for (const Span& span : pieces.spans) {
        if (work.cancelled())
            return;
        pipeline.model->tokenize(pieces.at(span), work.model, out);
    }
}

Tokenizer::Tokenizer(std::shared_ptr<const Impl> impl)
    : m_impl(std::move(impl))
{
}

Result<Tokenizer> Tokenizer::parse(std::string_view tokenizerJson, const std::string& file)
{
    SA_TRY(const Json root, json::parse(tokenizerJson, file));
    SA_TRY(Pipeline pipeline, Pipeline::read(JsonField(root, file)));
    return Tokenizer(std::make_shared<const Impl>(Impl{std::move(pipeline)}));
}

Result<Tokenizer> Tokenizer::open(const std::string& folder)
{
    SA_TRY(Pipeline pipeline, tokenizer::readTokenizerFolder(folder));
    return Tokenizer(std::make_shared<const Impl>(Impl{std::move(pipeline)}));
}

std::vector<TokenId> Tokenizer::encode(std::string_view text, bool addSpecial, const CancelToken* cancel) const
{
    const Pipeline& pipeline = m_impl->pipeline;
    std::string repaired;
    text = tokenizer::toValidUtf8(text, repaired);

    std::string spaced;
    if (pipeline.ownPrefix && text.find(kSpaceMark) != std::string_view::npos) {
        spaced = withSpaces(text);
        text = spaced;
    }
    std::vector<TokenId> out;
    out.reserve(text.size() / 3 + 8);
    if (addSpecial)
        out = pipeline.post.before;
    const std::size_t textBegin = out.size();
    RegexScratch regex(text.size());
    const auto model = pipeline.model->newScratch();
    const Impl::Work work{regex, *model, cancel};
    if (!pipeline.added.any(false)) {
        m_impl->encodeSection(text, true, work, out);
    } else {
        std::vector<AddedTokens::Section> sections;
        pipeline.added.split(text, false, sections);
        if (pipeline.ownPrefix && pipeline.ownPrefix->add && !sections.empty() && sections.front().id != kNoToken)
            out.push_back(pipeline.ownPrefix->mark);
        for (const auto& section : sections) {
            if (section.id != kNoToken)
                out.push_back(section.id);
            else
                m_impl->encodeSection(text.substr(section.begin, section.end - section.begin), section.begin == 0, work,
                                      out);
        }
    }
    if (pipeline.ownPrefix)
        dropLonePrefix(*pipeline.ownPrefix, textBegin, out);
    if (addSpecial)
        out.insert(out.end(), pipeline.post.after.begin(), pipeline.post.after.end());
    return out;
}

std::string Tokenizer::decode(const std::vector<TokenId>& ids, bool skipSpecial) const
{
    Stream stream(*this, skipSpecial);
    std::string out;
    for (const TokenId id : ids)
        out += stream.push(id);
    return out + stream.finish();
}

std::string Tokenizer::tokenText(TokenId id) const
{
    const AddedToken* added = m_impl->pipeline.added.find(id);
    return added ? added->content : std::string(m_impl->pipeline.model->vocabulary().text(id));
}

std::size_t Tokenizer::size() const
{
    return static_cast<std::size_t>(m_impl->pipeline.maxId()) + 1;
}

std::string Tokenizer::modelType() const
{
    return m_impl->pipeline.model->type();
}

std::optional<TokenId> Tokenizer::idOf(std::string_view token) const
{
    const TokenId id = m_impl->pipeline.idOf(token);
    return id == kNoToken ? std::nullopt : std::optional(id);
}

bool Tokenizer::isSpecial(TokenId id) const
{
    const AddedToken* added = m_impl->pipeline.added.find(id);
    return added && added->special;
}

struct Tokenizer::Stream::State {
    std::shared_ptr<const Impl> impl;
    bool skipSpecial = true;
    Collector collector;
    std::vector<std::unique_ptr<TokenSink>> stages; ///< the first stage is the last element
    TokenSink* first = nullptr;
};

Tokenizer::Stream::Stream(const Tokenizer& tokenizer, bool skipSpecial)
    : m_state(std::make_unique<State>())
{
    m_state->impl = tokenizer.m_impl;
    m_state->skipSpecial = skipSpecial;
    m_state->impl->pipeline.decoder->makeStages(m_state->collector, m_state->stages);
    m_state->first = m_state->stages.empty() ? &m_state->collector : m_state->stages.back().get();
}

Tokenizer::Stream::~Stream() = default;
Tokenizer::Stream::Stream(Stream&&) noexcept = default;
Tokenizer::Stream& Tokenizer::Stream::operator=(Stream&&) noexcept = default;

std::string Tokenizer::Stream::push(TokenId id)
{
    const Pipeline& pipeline = m_state->impl->pipeline;
    const AddedToken* added = pipeline.added.find(id);
    if (!added && !pipeline.model->vocabulary().has(id))
        return {};
    if (m_state->skipSpecial && added && added->special)
        return {};
    m_state->first->text(added ? std::string_view(added->content) : pipeline.model->vocabulary().text(id));
    m_state->first->endToken();
    return m_state->collector.take();
}

std::string Tokenizer::Stream::finish()
{
    m_state->first->finish();
    return m_state->collector.take();
}

} // namespace sa
