// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/normalizers.h"

#include "core/tokenizer/byte_alphabet.h"
#include "core/tokenizer/pattern.h"
#include "core/tokenizer/precompiled.h"
#include "core/tokenizer/unicode.h"

#include <algorithm>
#include <array>
#include <utf8proc.h>
#include <vector>

namespace sa::tokenizer
{

namespace
{

using NormalizerPtr = std::unique_ptr<const Normalizer>;

class SequenceNormalizer : public Normalizer
{
public:
    explicit SequenceNormalizer(std::vector<NormalizerPtr> parts)
        : m_parts(std::move(parts))
    {
    }
    void apply(std::string& text, RegexScratch& scratch) const override
    {
        for (const auto& part : m_parts)
            part->apply(text, scratch);
    }

private:
    std::vector<NormalizerPtr> m_parts;
};

class Prepend : public Normalizer
{
public:
    explicit Prepend(std::string prefix)
        : m_prefix(std::move(prefix))
    {
    }
    void apply(std::string& text, RegexScratch&) const override
    {
        if (!text.empty())
            text.insert(0, m_prefix);
    }

private:
    std::string m_prefix;
};

class Replace : public Normalizer
{
public:
    Replace(Pattern pattern, std::string content)
        : m_pattern(std::move(pattern))
        , m_content(std::move(content))
    {
    }
    void apply(std::string& text, RegexScratch& scratch) const override
    {
        std::string out;
        out.reserve(text.size() + text.size() / 2);
        m_pattern.replace(text, m_content, out, scratch);
        text = std::move(out);
    }

private:
    Pattern m_pattern;
    std::string m_content;
};

/// NFC, NFD, NFKC and NFKD. The library's own loop over a text sorts a run of marks in quadratic time; here runs are
/// sorted by std::stable_sort, and the library only decomposes characters and composes the sorted text.
class UnicodeForm : public Normalizer
{
public:
    UnicodeForm(bool compatible, bool composed)
        : m_compatible(compatible)
        , m_composed(composed)
    {
    }
    void apply(std::string& text, RegexScratch&) const override
    {
        if (std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; }))
            return;
        std::vector<utf8proc_int32_t> points = decomposed(text);
        auto count = static_cast<utf8proc_ssize_t>(points.size());
        if (m_composed)
            count = utf8proc_normalize_utf32(points.data(), count,
                                             static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
        text.clear();
        for (utf8proc_ssize_t i = 0; i < count; ++i)
            appendUtf8(text, static_cast<char32_t>(points[static_cast<std::size_t>(i)]));
    }

private:
    std::vector<utf8proc_int32_t> decomposed(const std::string& text) const
    {
        const auto options =
            static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | (m_compatible ? UTF8PROC_COMPAT : 0));
        const auto combiningClass = [](utf8proc_int32_t c) { return utf8proc_get_property(c)->combining_class; };
        std::vector<utf8proc_int32_t> points;
        points.reserve(text.size());
        std::size_t runBegin = 0; // of characters with a combining class
        const auto sortRun = [&](std::size_t end) {
            if (end - runBegin > 1)
                std::stable_sort(points.begin() + static_cast<std::ptrdiff_t>(runBegin),
                                 points.begin() + static_cast<std::ptrdiff_t>(end),
                                 [&](auto a, auto b) { return combiningClass(a) < combiningClass(b); });
        };
        std::array<utf8proc_int32_t, 32> parts{}; // the longest decomposition has 18
        for (std::size_t at = 0; at < text.size();) {
            const auto c = static_cast<utf8proc_int32_t>(nextCodePoint(text, at));
            int boundClass = 0;
            const auto count = utf8proc_decompose_char(c, parts.data(), parts.size(), options, &boundClass);
            for (utf8proc_ssize_t i = 0; i < count; ++i) {
                points.push_back(parts[static_cast<std::size_t>(i)]);
                if (combiningClass(points.back()) == 0) {
                    sortRun(points.size() - 1);
                    runBegin = points.size();
                }
            }
        }
        sortRun(points.size());
        return points;
    }

    bool m_compatible;
    bool m_composed;
};

/// One character at a time, as the reference does: a final sigma is not special.
class Lowercase : public Normalizer
{
public:
    void apply(std::string& text, RegexScratch&) const override
    {
        std::string out;
        out.reserve(text.size());
        for (std::size_t at = 0; at < text.size();) {
            const char32_t c = nextCodePoint(text, at);
            if (c == 0x130) // the only character whose lower case is two: i and a combining dot
                out += "i\xCC\x87";
            else
                appendUtf8(out, static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
        }
        text = std::move(out);
    }
};

class Strip : public Normalizer
{
public:
    Strip(bool left, bool right)
        : m_left(left)
        , m_right(right)
    {
    }
    void apply(std::string& text, RegexScratch&) const override
    {
        std::size_t begin = 0;
        std::size_t end = text.size();
        while (m_right && end > 0) {
            const std::size_t last = lastCharacterStart(std::string_view(text).substr(0, end));
            std::size_t at = last;
            if (!isWhitespace(nextCodePoint(text, at)))
                break;
            end = last;
        }
        while (m_left && begin < end) {
            std::size_t at = begin;
            if (!isWhitespace(nextCodePoint(text, at)))
                break;
            begin = at;
        }
        text = text.substr(begin, end - begin);
    }

private:
    bool m_left;
    bool m_right;
};

class StripAccents : public Normalizer
{
public:
    void apply(std::string& text, RegexScratch&) const override
    {
        std::string out;
        out.reserve(text.size());
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t begin = at;
            if (!isMark(nextCodePoint(text, at)))
                out.append(text, begin, at - begin);
        }
        text = std::move(out);
    }
};

class ByteLevelNormalizer : public Normalizer
{
public:
    void apply(std::string& text, RegexScratch&) const override
    {
        std::string out;
        out.reserve(text.size() * 2);
        appendByteLetters(text, out);
        text = std::move(out);
    }
};

Result<NormalizerPtr> readReplace(const JsonField& field, double& growth)
{
    SA_CHECK(onlyFields(field, {"pattern", "content"}));
    SA_TRY(const JsonField patternField, field.at("pattern"));
    SA_TRY(Pattern pattern, Pattern::read(patternField));
    SA_TRY(std::string content, field.stringAt("content"));
    growth *= std::max(1.0, static_cast<double>(content.size()) / static_cast<double>(pattern.minMatchBytes()));
    return NormalizerPtr(std::make_unique<Replace>(std::move(pattern), std::move(content)));
}

Result<NormalizerPtr> readUnicodeForm(const JsonField& field, const std::string& type, double& growth)
{
    SA_CHECK(onlyFields(field, {}));
    const bool compatible = type[2] == 'K';
    const bool composed = type.back() == 'C';
    // The worst cases of Unicode: U+FDFA (3 bytes) becomes 33; canonically, U+0390 (2 bytes) becomes 6.
    growth *= compatible ? 11 : 3;
    return NormalizerPtr(std::make_unique<UnicodeForm>(compatible, composed));
}

Result<NormalizerPtr> readSequence(const JsonField& field, double& growth)
{
    SA_CHECK(onlyFields(field, {"normalizers"}));
    SA_TRY(const auto elements, sequenceOf(field, "normalizers"));
    std::vector<NormalizerPtr> parts;
    for (const JsonField& element : elements) {
        SA_TRY(NormalizerPtr part, Normalizer::read(element, growth));
        if (!part)
            return element.wrong("a normalizer");
        parts.push_back(std::move(part));
    }
    return NormalizerPtr(std::make_unique<SequenceNormalizer>(std::move(parts)));
}

Result<NormalizerPtr> readKind(const JsonField& field, const std::string& type, double& growth)
{
    if (type == "Sequence")
        return readSequence(field, growth);
    if (type == "Replace")
        return readReplace(field, growth);
    if (type == "NFC" || type == "NFD" || type == "NFKC" || type == "NFKD")
        return readUnicodeForm(field, type, growth);
    if (type == "Prepend") {
        SA_CHECK(onlyFields(field, {"prepend"}));
        SA_TRY(std::string prefix, field.stringAt("prepend"));
        growth *= 1.0 + static_cast<double>(prefix.size());
        return NormalizerPtr(std::make_unique<Prepend>(std::move(prefix)));
    }
    if (type == "Precompiled")
        return readPrecompiledNormalizer(field, growth);
    if (type == "Strip") {
        SA_CHECK(onlyFields(field, {"strip_left", "strip_right"}));
        SA_TRY(const bool left, boolAt(field, "strip_left"));
        SA_TRY(const bool right, boolAt(field, "strip_right"));
        return NormalizerPtr(std::make_unique<Strip>(left, right));
    }
    SA_CHECK(onlyFields(field, {}));
    if (type == "Lowercase") {
        growth *= 1.5; // U+023A (2 bytes) has a lower case of 3
        return NormalizerPtr(std::make_unique<Lowercase>());
    }
    if (type == "StripAccents")
        return NormalizerPtr(std::make_unique<StripAccents>());
    growth *= 2;
    return NormalizerPtr(std::make_unique<ByteLevelNormalizer>());
}

} // namespace

Result<std::unique_ptr<const Normalizer>> Normalizer::read(const JsonField& field, double& growth)
{
    if (field.isNull())
        return NormalizerPtr();
    SA_TRY(const std::string type, typeOf(field));
    static constexpr std::string_view kKnown[] = {"Sequence",  "Replace",      "NFC",       "NFD",
                                                  "NFKC",      "NFKD",         "Prepend",   "Strip",
                                                  "Lowercase", "StripAccents", "ByteLevel", "Precompiled"};
    if (std::find(std::begin(kKnown), std::end(kKnown), type) == std::end(kKnown))
        return unsupportedType(field, "normalizer", type);
    SA_TRY(NormalizerPtr out, readKind(field, type, growth));
    if (growth > kMaxGrowth)
        return makeError(Errc::Unsupported, "this normalizer could make a text " +
                                                std::to_string(static_cast<long long>(growth)) + " times longer")
            .in(field.file())
            .at(field.path())
            .wanted("at most " + std::to_string(static_cast<int>(kMaxGrowth)) + " times");
    return out;
}

} // namespace sa::tokenizer
