// SPDX-License-Identifier: GPL-3.0-or-later
// A regular expression that cannot hang the program: PCRE2 with Unicode properties, its match, depth and heap limits,
// and a time limit for one encode() as the last resort.
#pragma once

#include "core/base/result.h"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sa::tokenizer
{

/// Bytes [begin, end) of a text; `matched` tells matches from what lies between them.
struct Span {
    std::size_t begin = 0;
    std::size_t end = 0;
    bool matched = false;
};

/// Working memory of one thread, and the account of the time that expressions have taken there.
class RegexScratch
{
public:
    /// `textBytes`: what will be searched altogether. Well-behaved expressions need a small part of the time it allows.
    explicit RegexScratch(std::size_t textBytes);
    ~RegexScratch();
    RegexScratch(const RegexScratch&) = delete;
    RegexScratch& operator=(const RegexScratch&) = delete;

private:
    friend class Regex;
    struct Handles;
    std::unique_ptr<Handles> m_handles; ///< made at first use
    std::chrono::steady_clock::duration m_left;
};

class Regex
{
public:
    /// `pattern` as in tokenizer.json (Oniguruma's Ruby syntax). Errors carry no file and place.
    static Result<Regex> compile(std::string_view pattern);

    /// Covers `text` (valid UTF-8, not empty) with spans in order: matches, and what lies between. An expression that
    /// hits its limits leaves the rest of the text as one span.
    void split(std::string_view text, std::vector<Span>& out, RegexScratch& scratch) const;

private:
    struct Code;
    explicit Regex(std::shared_ptr<const Code> code);
    bool next(std::string_view text, std::size_t from, Span& match, bool& gaveUp, RegexScratch& scratch) const;
    int attempt(std::string_view text, std::size_t from, std::size_t lastStart, RegexScratch& scratch) const;
    std::shared_ptr<const Code> m_code;
};

} // namespace sa::tokenizer
