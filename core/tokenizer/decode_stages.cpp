// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/decode_stages.h"

#include "core/tokenizer/byte_alphabet.h"
#include "core/tokenizer/unicode.h"

#include <algorithm>

namespace sa::tokenizer
{

namespace
{

int hexDigit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// The byte of "<0xE2>", or -1.
int byteOfToken(std::string_view token)
{
    if (token.size() != 6 || !token.starts_with("<0x") || token.back() != '>')
        return -1;
    const int high = hexDigit(token[3]);
    const int low = hexDigit(token[4]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool isValidUtf8(std::string_view text)
{
    std::string unused;
    return toValidUtf8(text, unused).data() == text.data();
}

} // namespace

void JoinBySpaces::beginToken()
{
    if (!m_inToken && m_anyToken)
        next().text(" ");
    m_inToken = m_anyToken = true;
}

void JoinBySpaces::text(std::string_view part)
{
    beginToken();
    next().text(part);
}

void JoinBySpaces::endToken()
{
    beginToken(); // an empty token is joined like any other
    m_inToken = false;
}

void JoinBySpaces::finish()
{
    m_inToken = m_anyToken = false;
    next().finish();
}

void FuseStage::finish()
{
    next().endToken();
    next().finish();
}

/// Passes on what is decided, all but `keep` bytes at the end.
void ReplaceStage::flush(std::size_t keep)
{
    const std::string_view sure = std::string_view(m_held).substr(0, m_held.size() - keep);
    if (!sure.empty()) {
        std::string out;
        RegexScratch scratch(sure.size());
        m_pattern->replace(sure, m_content, out, scratch);
        if (!out.empty())
            next().text(out);
    }
    m_held.erase(0, m_held.size() - keep);
}

void ReplaceStage::text(std::string_view part)
{
    const std::string& literal = m_pattern->literal();
    m_held += part;
    if (literal.empty())
        return;
    // Matches are taken from the left, so what stays open is the part behind the last whole match.
    std::size_t open = 0;
    for (std::size_t at = 0; (at = m_held.find(literal, open)) != std::string::npos;)
        open = at + literal.size();
    const std::string_view rest = std::string_view(m_held).substr(open);
    std::size_t keep = std::min(rest.size(), literal.size() - 1);
    while (keep > 0 && !std::string_view(literal).starts_with(rest.substr(rest.size() - keep)))
        --keep;
    flush(keep);
}

void ReplaceStage::endToken()
{
    flush(0);
    next().endToken();
}

void ByteFallbackStage::flushBytes()
{
    if (m_bytes.empty())
        return;
    if (isValidUtf8(m_bytes)) {
        next().text(m_bytes);
        next().endToken();
    } else {
        for (std::size_t i = 0; i < m_bytes.size(); ++i) {
            next().text(kReplacementCharacter);
            next().endToken();
        }
    }
    m_bytes.clear();
}

void ByteFallbackStage::endToken()
{
    const int byte = byteOfToken(m_token);
    if (byte >= 0) {
        m_bytes += static_cast<char>(static_cast<unsigned char>(byte));
    } else {
        flushBytes();
        next().text(m_token);
        next().endToken();
    }
    m_token.clear();
}

void ByteFallbackStage::finish()
{
    flushBytes();
    next().finish();
}

void StripStage::text(std::string_view part)
{
    while (m_startLeft > 0 && part.starts_with(m_character)) {
        part.remove_prefix(m_character.size());
        --m_startLeft;
    }
    if (part.empty())
        return;
    m_startLeft = 0;
    std::size_t end = part.size();
    std::size_t trailing = 0;
    while (part.substr(0, end).ends_with(m_character) && trailing < m_stop) {
        end -= m_character.size();
        ++trailing;
    }
    // What was held is certain as soon as enough comes behind it.
    const std::size_t released = end > 0 ? m_held : m_held + trailing > m_stop ? m_held + trailing - m_stop : 0;
    for (std::size_t i = 0; i < released; ++i)
        next().text(m_character);
    m_held = m_held - released + trailing;
    if (end > 0)
        next().text(part.substr(0, end));
}

void StripStage::endToken()
{
    m_startLeft = m_start;
    m_held = 0;
    next().endToken();
}

void ByteLevelStage::endToken()
{
    const std::size_t before = m_bytes.size();
    for (std::size_t at = 0; at < m_token.size();) {
        const int byte = byteOfLetter(nextCodePoint(m_token, at));
        if (byte < 0) { // an added token is written as it is
            m_bytes.resize(before);
            m_bytes += m_token;
            break;
        }
        m_bytes += static_cast<char>(static_cast<unsigned char>(byte));
    }
    m_token.clear();

    // A character is at most 4 bytes: look for an unfinished one at the end.
    std::size_t keep = 0;
    for (std::size_t length = 1; length <= std::min<std::size_t>(3, m_bytes.size()); ++length)
        if (utf8IncompleteLength(std::string_view(m_bytes).substr(m_bytes.size() - length)) == length)
            keep = length;
    std::string storage;
    const std::string_view sure = toValidUtf8(std::string_view(m_bytes).substr(0, m_bytes.size() - keep), storage);
    if (!sure.empty())
        next().text(sure);
    m_bytes.erase(0, m_bytes.size() - keep);
}

void ByteLevelStage::finish()
{
    if (!m_bytes.empty())
        next().text(kReplacementCharacter);
    m_bytes.clear();
    next().endToken();
    next().finish();
}

void MetaspaceStage::text(std::string_view part)
{
    const std::string& mark = m_settings->replacement;
    const bool drop = m_first && m_settings->prepend != Metaspace::Prepend::Never;
    m_out.clear();
    for (std::size_t at = 0; at < part.size();) {
        if (part.substr(at).starts_with(mark)) {
            if (!drop)
                m_out += ' ';
            at += mark.size();
        } else {
            m_out += part[at++];
        }
    }
    if (!m_out.empty())
        next().text(m_out);
}

void MetaspaceStage::endToken()
{
    m_first = false;
    next().endToken();
}

void MetaspaceStage::finish()
{
    m_first = true;
    next().finish();
}

} // namespace sa::tokenizer
