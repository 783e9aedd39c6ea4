// SPDX-License-Identifier: GPL-3.0-or-later
// Reads the escapes and character classes of an Oniguruma pattern and writes them for PCRE2.
#pragma once

#include "core/base/result.h"

#include <optional>
#include <string>
#include <string_view>

namespace sa::tokenizer
{

/// Oniguruma's \w and \s as PCRE2 classes.
std::string wordClass(bool negated);
std::string spaceClass(bool negated);

/// A place in a pattern, and what can be read from there.
class PatternReader
{
protected:
    /// What an escape or one member of a class stands for: a single character (which may begin a range) or a set.
    struct Member {
        std::optional<char32_t> character;
        std::string set;
    };
    struct Class {
        bool negated = false;
        std::string members;
    };

    explicit PatternReader(std::string_view pattern)
        : m_in(pattern)
    {
    }
    bool done() const { return m_at >= m_in.size(); }
    bool ahead(std::string_view text) const { return m_in.substr(m_at, text.size()) == text; }
    Error unsupported(const std::string& what) const;
    Error broken(const std::string& what) const;

    Result<Class> classBody(int depth);
    Result<Member> classEscape();

    std::string_view m_in;
    std::size_t m_at = 0;

private:
    Result<Member> classMember(int depth);
    Result<std::string> property();
    Result<char32_t> hexEscape(char kind);
};

std::string codePointText(char32_t c);

} // namespace sa::tokenizer
