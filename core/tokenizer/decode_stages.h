// SPDX-License-Identifier: GPL-3.0-or-later
// The stages behind the decoders of tokenizer.json, one class for each "type".
#pragma once

#include "core/tokenizer/decoders.h"
#include "core/tokenizer/metaspace.h"
#include "core/tokenizer/pattern.h"

#include <string>
#include <utility>

namespace sa::tokenizer
{

class DecodeStage : public TokenSink
{
public:
    explicit DecodeStage(TokenSink& next)
        : m_next(&next)
    {
    }
    void endToken() override { m_next->endToken(); }
    void finish() override { m_next->finish(); }

protected:
    TokenSink& next() { return *m_next; }

private:
    TokenSink* m_next; ///< borrowed; outlives this stage
};

/// No decoder: a space between two tokens.
class JoinBySpaces : public DecodeStage
{
public:
    using DecodeStage::DecodeStage;
    void text(std::string_view part) override;
    void endToken() override;
    void finish() override;

private:
    void beginToken();
    bool m_inToken = false;
    bool m_anyToken = false;
};

/// All tokens become one.
class FuseStage : public DecodeStage
{
public:
    using DecodeStage::DecodeStage;
    void text(std::string_view part) override { next().text(part); }
    void endToken() override {}
    void finish() override;
};

/// A literal text is replaced as it comes in; a regular expression waits for the end of the token.
class ReplaceStage : public DecodeStage
{
public:
    ReplaceStage(TokenSink& next, const Pattern& pattern, std::string_view content)
        : DecodeStage(next)
        , m_pattern(&pattern)
        , m_content(content)
    {
    }
    void text(std::string_view part) override;
    void endToken() override;

private:
    void flush(std::size_t keep);
    const Pattern* m_pattern;
    std::string_view m_content;
    std::string m_held;
};

/// Runs of tokens like "<0xE2>" become the text of their bytes, or one U+FFFD a byte when the run is not valid UTF-8.
/// The reference decides about a run as a whole, so a stream waits for its end.
class ByteFallbackStage : public DecodeStage
{
public:
    using DecodeStage::DecodeStage;
    void text(std::string_view part) override { m_token += part; }
    void endToken() override;
    void finish() override;

private:
    void flushBytes();
    std::string m_token;
    std::string m_bytes;
};

/// Removes up to `start` and `stop` times one character from the ends of every token.
class StripStage : public DecodeStage
{
public:
    StripStage(TokenSink& next, std::string_view character, std::size_t start, std::size_t stop)
        : DecodeStage(next)
        , m_character(character)
        , m_start(start)
        , m_stop(stop)
        , m_startLeft(start)
    {
    }
    void text(std::string_view part) override;
    void endToken() override;

private:
    std::string_view m_character;
    std::size_t m_start;
    std::size_t m_stop;
    std::size_t m_startLeft;
    std::size_t m_held = 0; ///< characters that are dropped if the token ends here
};

/// GPT-2's letters back to bytes; all tokens become one. Only whole characters are passed on.
class ByteLevelStage : public DecodeStage
{
public:
    using DecodeStage::DecodeStage;
    void text(std::string_view part) override { m_token += part; }
    void endToken() override;
    void finish() override;

private:
    std::string m_token;
    std::string m_bytes; ///< not yet passed on
};

/// "▁" to spaces; those of the first token vanish unless none are ever prepended.
class MetaspaceStage : public DecodeStage
{
public:
    MetaspaceStage(TokenSink& next, const Metaspace& settings)
        : DecodeStage(next)
        , m_settings(&settings)
    {
    }
    void text(std::string_view part) override;
    void endToken() override;
    void finish() override;

private:
    const Metaspace* m_settings;
    bool m_first = true;
    std::string m_out;
};

} // namespace sa::tokenizer
