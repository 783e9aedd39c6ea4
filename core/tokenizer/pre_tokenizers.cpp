// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/pre_tokenizers.h"

#include "core/tokenizer/byte_alphabet.h"
#include "core/tokenizer/metaspace.h"
#include "core/tokenizer/pattern.h"
#include "core/tokenizer/unicode.h"

#include <algorithm>
#include <optional>

namespace sa::tokenizer
{

namespace
{

using PreTokenizerPtr = std::unique_ptr<const PreTokenizer>;

// GPT-2's pattern, from its published encoder.
constexpr std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

/// Covers a piece with runs of characters for which `isMatch` gives the same answer, or with single characters where
/// `single` says that matches stand alone.
template<class IsMatch>
void coverByCharacter(std::string_view piece, std::vector<Span>& spans, bool single, IsMatch&& isMatch)
{
    spans.clear();
    for (std::size_t at = 0; at < piece.size();) {
        const std::size_t begin = at;
        const bool matched = isMatch(nextCodePoint(piece, at));
        if (!spans.empty() && spans.back().matched == matched && !(matched && single))
            spans.back().end = at;
        else
            spans.push_back({begin, at, matched});
    }
}

class SequencePreTokenizer : public PreTokenizer
{
public:
    explicit SequencePreTokenizer(std::vector<PreTokenizerPtr> parts)
        : m_parts(std::move(parts))
    {
    }
    void apply(Pieces& pieces, RegexScratch& scratch) const override
    {
        for (const auto& part : m_parts)
            part->apply(pieces, scratch);
    }

private:
    std::vector<PreTokenizerPtr> m_parts;
};

class Split : public PreTokenizer
{
public:
    Split(Pattern pattern, SplitBehavior behavior, bool invert)
        : m_pattern(std::move(pattern))
        , m_behavior(behavior)
        , m_invert(invert)
    {
    }
    void apply(Pieces& pieces, RegexScratch& scratch) const override
    {
        splitPieces(pieces, m_behavior, [&](std::string_view piece, std::vector<Span>& spans) {
            m_pattern.split(piece, spans, scratch);
            if (m_invert)
                for (Span& span : spans)
                    span.matched = !span.matched;
        });
    }

private:
    Pattern m_pattern;
    SplitBehavior m_behavior;
    bool m_invert;
};

class ByteLevel : public PreTokenizer
{
public:
    ByteLevel(bool addPrefixSpace, std::optional<Pattern> pattern)
        : m_addPrefixSpace(addPrefixSpace)
        , m_pattern(std::move(pattern))
    {
    }
    void apply(Pieces& pieces, RegexScratch& scratch) const override
    {
        if (m_addPrefixSpace)
            rewritePieces(pieces, [](std::string_view piece, std::string& out) {
                if (piece.front() != ' ')
                    out += ' ';
                out += piece;
            });
        if (m_pattern)
            splitPieces(pieces, SplitBehavior::Isolated, [&](std::string_view piece, std::vector<Span>& spans) {
                m_pattern->split(piece, spans, scratch);
            });
        rewritePieces(pieces, [](std::string_view piece, std::string& out) { appendByteLetters(piece, out); });
    }

private:
    bool m_addPrefixSpace;
    std::optional<Pattern> m_pattern;
};

/// Splits at the characters of one kind.
class CharacterSplit : public PreTokenizer
{
public:
    using Test = bool (*)(char32_t);
    CharacterSplit(Test test, SplitBehavior behavior)
        : m_test(test)
        , m_behavior(behavior)
    {
    }
    void apply(Pieces& pieces, RegexScratch&) const override
    {
        splitPieces(pieces, m_behavior, [&](std::string_view piece, std::vector<Span>& spans) {
            coverByCharacter(piece, spans, m_behavior != SplitBehavior::Contiguous, m_test);
        });
    }

private:
    Test m_test;
    SplitBehavior m_behavior;
};

/// Words and runs of symbols; what is between them is dropped.
class Whitespace : public PreTokenizer
{
public:
    void apply(Pieces& pieces, RegexScratch&) const override
    {
        splitPieces(pieces, SplitBehavior::Removed, [](std::string_view piece, std::vector<Span>& spans) {
            spans.clear();
            int previous = -1;
            for (std::size_t at = 0; at < piece.size();) {
                const std::size_t begin = at;
                const char32_t c = nextCodePoint(piece, at);
                const int kind = isWordCharacter(c) ? 1 : isWhitespace(c) ? 0 : 2;
                if (kind == previous)
                    spans.back().end = at;
                else
                    spans.push_back({begin, at, kind == 0});
                previous = kind;
            }
        });
    }
};

Result<PreTokenizerPtr> readSequence(const JsonField& field, double& growth)
{
    SA_CHECK(onlyFields(field, {"pretokenizers"}));
    SA_TRY(const auto elements, sequenceOf(field, "pretokenizers"));
    std::vector<PreTokenizerPtr> parts;
    for (const JsonField& element : elements) {
        SA_TRY(PreTokenizerPtr part, PreTokenizer::read(element, growth));
        if (!part)
            return element.wrong("a pre-tokenizer");
        parts.push_back(std::move(part));
    }
    return PreTokenizerPtr(std::make_unique<SequencePreTokenizer>(std::move(parts)));
}

Result<PreTokenizerPtr> readSplit(const JsonField& field)
{
    SA_CHECK(onlyFields(field, {"pattern", "behavior", "invert"}));
    SA_TRY(const JsonField patternField, field.at("pattern"));
    SA_TRY(Pattern pattern, Pattern::read(patternField));
    SA_TRY(const JsonField behaviorField, field.at("behavior"));
    SA_TRY(const SplitBehavior behavior, readSplitBehavior(behaviorField));
    SA_TRY(const bool invert, field.boolOr("invert", false));
    return PreTokenizerPtr(std::make_unique<Split>(std::move(pattern), behavior, invert));
}

Result<PreTokenizerPtr> readByteLevel(const JsonField& field, double& growth)
{
    SA_CHECK(onlyFields(field, {"add_prefix_space", "trim_offsets", "use_regex"})); // trim_offsets: offsets only
    SA_TRY(const bool addPrefixSpace, boolAt(field, "add_prefix_space"));
    SA_TRY(const bool useRegex, field.boolOr("use_regex", true));
    growth *= addPrefixSpace ? 4 : 2;
    std::optional<Pattern> pattern;
    if (useRegex) {
        SA_TRY(pattern, Pattern::fromRegex(kGpt2Pattern));
    }
    return PreTokenizerPtr(std::make_unique<ByteLevel>(addPrefixSpace, std::move(pattern)));
}

Result<PreTokenizerPtr> readPunctuation(const JsonField& field)
{
    SA_CHECK(onlyFields(field, {"behavior"}));
    SplitBehavior behavior = SplitBehavior::Isolated;
    if (const auto behaviorField = field.find("behavior")) {
        SA_TRY(behavior, readSplitBehavior(*behaviorField));
    }
    return PreTokenizerPtr(std::make_unique<CharacterSplit>(isPunctuation, behavior));
}

Result<PreTokenizerPtr> readKind(const JsonField& field, const std::string& type, double& growth)
{
    if (type == "Sequence")
        return readSequence(field, growth);
    if (type == "Split")
        return readSplit(field);
    if (type == "ByteLevel")
        return readByteLevel(field, growth);
    if (type == "Metaspace")
        return readMetaspacePreTokenizer(field, growth);
    if (type == "Punctuation")
        return readPunctuation(field);
    if (type == "Digits") {
        SA_CHECK(onlyFields(field, {"individual_digits"}));
        SA_TRY(const bool single, boolAt(field, "individual_digits"));
        return PreTokenizerPtr(
            std::make_unique<CharacterSplit>(isNumeric, single ? SplitBehavior::Isolated : SplitBehavior::Contiguous));
    }
    SA_CHECK(onlyFields(field, {}));
    if (type == "WhitespaceSplit")
        return PreTokenizerPtr(std::make_unique<CharacterSplit>(isWhitespace, SplitBehavior::Removed));
    return PreTokenizerPtr(std::make_unique<Whitespace>());
}

} // namespace

Result<std::unique_ptr<const PreTokenizer>> PreTokenizer::read(const JsonField& field, double& growth)
{
    if (field.isNull())
        return PreTokenizerPtr();
    SA_TRY(const std::string type, typeOf(field));
    static constexpr std::string_view kKnown[] = {"Sequence", "Split",      "ByteLevel",       "Metaspace",
                                                  "Digits",   "Whitespace", "WhitespaceSplit", "Punctuation"};
    if (std::find(std::begin(kKnown), std::end(kKnown), type) == std::end(kKnown))
        return unsupportedType(field, "pre-tokenizer", type);
    SA_TRY(PreTokenizerPtr out, readKind(field, type, growth));
    if (growth > kMaxGrowth)
        return makeError(Errc::Unsupported, "these pre-tokenizers could make a text " +
                                                std::to_string(static_cast<long long>(growth)) + " times longer")
            .in(field.file())
            .at(field.path())
            .wanted("at most " + std::to_string(static_cast<int>(kMaxGrowth)) + " times");
    return out;
}

} // namespace sa::tokenizer
