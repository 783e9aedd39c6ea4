// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/decoders.h"

#include "core/tokenizer/decode_stages.h"

#include <algorithm>

namespace sa::tokenizer
{

namespace
{

using DecoderPtr = std::unique_ptr<const Decoder>;
using Owners = std::vector<std::unique_ptr<TokenSink>>;

/// A decoder whose stage needs no settings.
template<class Stage> class SimpleDecoder : public Decoder
{
public:
    void makeStages(TokenSink& next, Owners& owners) const override { owners.push_back(std::make_unique<Stage>(next)); }
};

class ReplaceDecoder : public Decoder
{
public:
    ReplaceDecoder(Pattern pattern, std::string content)
        : m_pattern(std::move(pattern))
        , m_content(std::move(content))
    {
    }
    void makeStages(TokenSink& next, Owners& owners) const override
    {
        owners.push_back(std::make_unique<ReplaceStage>(next, m_pattern, m_content));
    }

private:
    Pattern m_pattern;
    std::string m_content;
};

class StripDecoder : public Decoder
{
public:
    StripDecoder(std::string character, std::size_t start, std::size_t stop)
        : m_character(std::move(character))
        , m_start(start)
        , m_stop(stop)
    {
    }
    void makeStages(TokenSink& next, Owners& owners) const override
    {
        owners.push_back(std::make_unique<StripStage>(next, m_character, m_start, m_stop));
    }

private:
    std::string m_character;
    std::size_t m_start;
    std::size_t m_stop;
};

class MetaspaceDecoder : public Decoder
{
public:
    explicit MetaspaceDecoder(Metaspace settings)
        : m_settings(std::move(settings))
    {
    }
    void makeStages(TokenSink& next, Owners& owners) const override
    {
        owners.push_back(std::make_unique<MetaspaceStage>(next, m_settings));
    }

private:
    Metaspace m_settings;
};

class SequenceDecoder : public Decoder
{
public:
    explicit SequenceDecoder(std::vector<DecoderPtr> parts)
        : m_parts(std::move(parts))
    {
    }
    void makeStages(TokenSink& next, Owners& owners) const override
    {
        TokenSink* sink = &next;
        for (auto part = m_parts.rbegin(); part != m_parts.rend(); ++part) {
            const std::size_t before = owners.size();
            (*part)->makeStages(*sink, owners);
            if (owners.size() > before) // an empty Sequence makes no stage
                sink = owners.back().get();
        }
    }

private:
    std::vector<DecoderPtr> m_parts;
};

Result<DecoderPtr> readSequence(const JsonField& field, double& growth)
{
    SA_CHECK(onlyFields(field, {"decoders"}));
    SA_TRY(const auto elements, sequenceOf(field, "decoders"));
    std::vector<DecoderPtr> parts;
    for (const JsonField& element : elements) {
        if (element.isNull())
            return element.wrong("a decoder");
        SA_TRY(DecoderPtr part, Decoder::read(element, growth));
        parts.push_back(std::move(part));
    }
    return DecoderPtr(std::make_unique<SequenceDecoder>(std::move(parts)));
}

Result<DecoderPtr> readReplace(const JsonField& field, double& growth)
{
    SA_CHECK(onlyFields(field, {"pattern", "content"}));
    SA_TRY(const JsonField patternField, field.at("pattern"));
    SA_TRY(Pattern pattern, Pattern::read(patternField));
    SA_TRY(std::string content, field.stringAt("content"));
    growth *= std::max(1.0, static_cast<double>(content.size()) / static_cast<double>(pattern.minMatchBytes()));
    return DecoderPtr(std::make_unique<ReplaceDecoder>(std::move(pattern), std::move(content)));
}

Result<DecoderPtr> readKind(const JsonField& field, const std::string& type, double& growth)
{
    if (type == "Sequence")
        return readSequence(field, growth);
    if (type == "Replace")
        return readReplace(field, growth);
    if (type == "Strip") {
        SA_CHECK(onlyFields(field, {"content", "start", "stop"}));
        SA_TRY(std::string character, characterAt(field, "content"));
        SA_TRY(const std::int64_t start, field.intAt("start", 0, 1 << 20));
        SA_TRY(const std::int64_t stop, field.intAt("stop", 0, 1 << 20));
        return DecoderPtr(std::make_unique<StripDecoder>(std::move(character), static_cast<std::size_t>(start),
                                                         static_cast<std::size_t>(stop)));
    }
    if (type == "Metaspace") {
        SA_TRY(Metaspace settings, readMetaspace(field));
        return DecoderPtr(std::make_unique<MetaspaceDecoder>(std::move(settings)));
    }
    if (type == "ByteLevel") {
        SA_CHECK(onlyFields(field, {"add_prefix_space", "trim_offsets", "use_regex"})); // none concerns decoding
        return DecoderPtr(std::make_unique<SimpleDecoder<ByteLevelStage>>());
    }
    SA_CHECK(onlyFields(field, {}));
    if (type == "ByteFallback")
        return DecoderPtr(std::make_unique<SimpleDecoder<ByteFallbackStage>>());
    return DecoderPtr(std::make_unique<SimpleDecoder<FuseStage>>());
}

} // namespace

Result<std::unique_ptr<const Decoder>> Decoder::read(const JsonField& field, double& growth)
{
    if (field.isNull())
        return DecoderPtr(std::make_unique<SimpleDecoder<JoinBySpaces>>());
    SA_TRY(const std::string type, typeOf(field));
    static constexpr std::string_view kKnown[] = {"Sequence", "Replace",   "ByteFallback", "Fuse",
                                                  "Strip",    "Metaspace", "ByteLevel"};
    if (std::find(std::begin(kKnown), std::end(kKnown), type) == std::end(kKnown))
        return unsupportedType(field, "decoder", type);
    SA_TRY(DecoderPtr out, readKind(field, type, growth));
    if (growth > kMaxGrowth)
        return makeError(Errc::Unsupported, "these decoders could make a text " +
                                                std::to_string(static_cast<long long>(growth)) + " times longer")
            .in(field.file())
            .at(field.path())
            .wanted("at most " + std::to_string(static_cast<int>(kMaxGrowth)) + " times");
    return out;
}

} // namespace sa::tokenizer
