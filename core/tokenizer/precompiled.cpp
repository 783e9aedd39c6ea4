// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/precompiled.h"

#include "core/tokenizer/base64.h"
#include "core/tokenizer/component.h"
#include "core/tokenizer/unicode.h"

#include <algorithm>
#include <cstring>
#include <utf8proc.h>

namespace sa::tokenizer
{

namespace
{

// The units of Darts' double array. A unit with the highest bit holds a value; any other leads to a block of children.
constexpr std::uint32_t kValueBit = 1u << 31;
constexpr std::uint32_t kLabelMask = kValueBit | 0xFF;
constexpr bool hasValue(std::uint32_t unit)
{
    return unit >> 8 & 1;
}
constexpr std::size_t offsetOf(std::uint32_t unit)
{
    return std::size_t{unit >> 10} << ((unit & (1u << 9)) >> 6);
}
// Longer clusters are not looked up as a whole, only their characters; the limit of the reference.
constexpr std::size_t kMaxClusterBytes = 5;

class Precompiled : public Normalizer
{
public:
    explicit Precompiled(CharacterMap map)
        : m_map(std::move(map))
    {
    }

    void apply(std::string& text, RegexScratch&) const override
    {
        std::string out;
        out.reserve(text.size() + text.size() / 8);
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t end = clusterEnd(text, at);
            const std::string_view cluster = std::string_view(text).substr(at, end - at);
            at = end;
            if (const auto whole = cluster.size() <= kMaxClusterBytes ? m_map.find(cluster) : std::nullopt) {
                out += *whole;
                continue;
            }
            for (std::size_t i = 0; i < cluster.size();) {
                const std::size_t begin = i;
                nextCodePoint(cluster, i);
                const std::string_view character = cluster.substr(begin, i - begin);
                out += m_map.find(character).value_or(character);
            }
        }
        text = std::move(out);
    }

private:
    /// The end of the grapheme cluster that begins at `at`.
    static std::size_t clusterEnd(std::string_view text, std::size_t at)
    {
        const auto isPlain = [&](std::size_t i) {
            return i >= text.size() || (static_cast<unsigned char>(text[i]) < 0x80 && text[i] != '\n');
        };
        if (static_cast<unsigned char>(text[at]) < 0x80 && isPlain(at + 1))
            return at + 1; // what almost all text consists of
        utf8proc_int32_t state = 0;
        auto previous = static_cast<utf8proc_int32_t>(nextCodePoint(text, at));
        while (at < text.size()) {
            std::size_t next = at;
            const auto c = static_cast<utf8proc_int32_t>(nextCodePoint(text, next));
            if (utf8proc_grapheme_break_stateful(previous, c, &state))
                break;
            previous = c;
            at = next;
        }
        return at;
    }

    CharacterMap m_map;
};

} // namespace

Result<CharacterMap> CharacterMap::parse(std::string_view bytes)
{
    const auto broken = [](const std::string& what) {
        return makeError(Errc::BadFormat, "these rules of normalisation are damaged").butFound(what);
    };
    std::uint32_t trieBytes = 0;
    if (bytes.size() < sizeof trieBytes)
        return broken(std::to_string(bytes.size()) + " bytes");
    std::memcpy(&trieBytes, bytes.data(), sizeof trieBytes); // little-endian, as all machines that this runs on
    bytes.remove_prefix(sizeof trieBytes);
    // A block of children has 256 units, so a whole trie does too.
    if (trieBytes > bytes.size() || trieBytes == 0 || trieBytes % 1024 != 0)
        return broken("a trie of " + std::to_string(trieBytes) + " bytes");
    CharacterMap out;
    out.m_units.resize(trieBytes / 4);
    std::memcpy(out.m_units.data(), bytes.data(), trieBytes);
    out.m_replacements = bytes.substr(trieBytes);
    if (out.m_replacements.empty() || out.m_replacements.back() != '\0')
        return broken("replacements without an end");
    const std::size_t count = out.m_units.size();
    std::size_t longest = 0;
    for (std::size_t i = 0, run = 0; i < out.m_replacements.size(); ++i) {
        run = out.m_replacements[i] == '\0' ? 0 : run + 1;
        longest = std::max(longest, run);
    }
    std::string unused;
    if (toValidUtf8(out.m_replacements, unused).data() != out.m_replacements.data())
        return broken("replacements that are not UTF-8");
    for (std::size_t i = 0; i < count; ++i) {
        const std::uint32_t unit = out.m_units[i];
        if (!(unit & kValueBit)) {
            if (((i ^ offsetOf(unit)) | 0xFF) >= count)
                return broken("a trie whose unit " + std::to_string(i) + " leads out of it");
            if (hasValue(unit) && !(out.m_units[i ^ offsetOf(unit)] & kValueBit))
                return broken("a trie whose unit " + std::to_string(i) + " promises a value and has none");
            continue;
        }
        const std::size_t value = unit & ~kValueBit;
        if (value >= out.m_replacements.size() ||
            (value > 0 && (static_cast<unsigned char>(out.m_replacements[value]) & 0xC0) == 0x80))
            return broken("a trie whose unit " + std::to_string(i) + " names no replacement");
    }
    out.m_growth = std::max(1.0, static_cast<double>(longest));
    return out;
}

std::optional<std::string_view> CharacterMap::find(std::string_view text) const
{
    std::size_t node = offsetOf(m_units[0]);
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte == 0)
            return std::nullopt; // keys end at a zero byte
        node ^= byte;
        const std::uint32_t unit = m_units[node];
        if ((unit & kLabelMask) != byte)
            return std::nullopt;
        node ^= offsetOf(unit);
        if (hasValue(unit))
            return std::string_view(m_replacements.data() + (m_units[node] & ~kValueBit));
    }
    return std::nullopt;
}

Result<std::unique_ptr<const Normalizer>> readPrecompiledNormalizer(const JsonField& field, double& growth)
{
    SA_CHECK(onlyFields(field, {"precompiled_charsmap"}));
    SA_TRY(const JsonField map, field.at("precompiled_charsmap"));
    SA_TRY(const std::string text, map.asString());
    const auto bytes = decodeBase64(text);
    if (!bytes)
        return map.wrong("bytes in base64");
    auto parsed = CharacterMap::parse(*bytes);
    if (!parsed)
        return std::move(parsed).error().in(map.file()).at(map.path());
    growth *= parsed->growth();
    return std::unique_ptr<const Normalizer>(std::make_unique<Precompiled>(*std::move(parsed)));
}

} // namespace sa::tokenizer
