// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/regex.h"

#include "core/tokenizer/regex_syntax.h"
#include "core/tokenizer/unicode.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <algorithm>
#include <array>
#include <pcre2.h>

namespace sa::tokenizer
{

namespace
{

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxPatternBytes = 16 << 10;
constexpr std::uint32_t kMaxGroupDepth = 100;
// Compiled code counts the entries of repetitions, each of which may read the whole text once: entries times bytes is
// kept near 2e8 steps (a fraction of a second). What needs more goes to the interpreter, which counts every step.
constexpr std::size_t kCompiledStepBudget = 200'000'000;
constexpr std::uint32_t kInterpreterMatchLimit = 5'000'000;
constexpr std::uint32_t kInterpreterHeapKiB = 128 << 10;
// One call tries at most this many starting places, so that the clock is seen between calls.
constexpr std::size_t kStartsPerCall = 16;
constexpr auto kSlowCall = std::chrono::milliseconds(20);

std::uint32_t compiledMatchLimit(std::size_t bytes)
{
    return static_cast<std::uint32_t>(std::clamp<std::size_t>(kCompiledStepBudget / (bytes + 1), 200, 100'000));
}

} // namespace

struct RegexScratch::Handles {
    pcre2_match_data* data = pcre2_match_data_create(1, nullptr);
    pcre2_match_context* context = pcre2_match_context_create(nullptr);
    Handles()
    {
        if (context)
            pcre2_set_heap_limit(context, kInterpreterHeapKiB);
    }
    Handles(const Handles&) = delete;
    Handles& operator=(const Handles&) = delete;
    ~Handles()
    {
        pcre2_match_data_free(data);
        pcre2_match_context_free(context);
    }
};

RegexScratch::RegexScratch(std::size_t textBytes)
    : m_left(std::chrono::seconds(10) + std::chrono::microseconds(2 * textBytes))
{
}

RegexScratch::~RegexScratch() = default;

struct Regex::Code {
    pcre2_code* code = nullptr;
    bool compiled = false; ///< to machine code
    ~Code() { pcre2_code_free(code); }
};

Regex::Regex(std::shared_ptr<const Code> code)
    : m_code(std::move(code))
{
}

Result<Regex> Regex::compile(std::string_view pattern)
{
    if (pattern.size() > kMaxPatternBytes)
        return makeError(Errc::Unsupported, "this regular expression is too long")
            .butFound(std::to_string(pattern.size()) + " bytes")
            .wanted("at most " + std::to_string(kMaxPatternBytes));
    SA_TRY(const std::string translated, toPcre2Syntax(pattern));

    const std::unique_ptr<pcre2_compile_context, void (*)(pcre2_compile_context*)> context(
        pcre2_compile_context_create(nullptr), pcre2_compile_context_free);
    if (!context)
        return makeError(Errc::OutOfMemory, "no memory for a regular expression");
    pcre2_set_parens_nest_limit(context.get(), kMaxGroupDepth);
    pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
    pcre2_set_bsr(context.get(), PCRE2_BSR_UNICODE);

    auto code = std::make_shared<Code>();
    int number = 0;
    PCRE2_SIZE offset = 0;
    // MULTILINE: in Ruby's syntax ^ and $ always mean lines.
    code->code =
        pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                      PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_USE_OFFSET_LIMIT | PCRE2_NEVER_BACKSLASH_C,
                      &number, &offset, context.get());
    if (!code->code) {
        std::array<PCRE2_UCHAR, 256> text{};
        pcre2_get_error_message(number, text.data(), text.size());
        const bool unknownProperty = number == PCRE2_ERROR_UNKNOWN_UNICODE_PROPERTY;
        return makeError(unknownProperty ? Errc::Unsupported : Errc::BadFormat,
                         "this regular expression is invalid (" +
                             std::string(reinterpret_cast<const char*>(text.data())) + ")")
            .butFound(display(std::string(pattern)));
    }
    code->compiled = pcre2_jit_compile(code->code, PCRE2_JIT_COMPLETE) == 0;
    return Regex(std::move(code));
}

/// One search whose match begins in [from, lastStart]. Returns PCRE2's code; the match is in the scratch.
int Regex::attempt(std::string_view text, std::size_t from, std::size_t lastStart, RegexScratch& scratch) const
{
    const auto& handles = *scratch.m_handles;
    const auto subject = reinterpret_cast<PCRE2_SPTR>(text.data());
    pcre2_set_offset_limit(handles.context, lastStart);
    if (m_code->compiled) {
        pcre2_set_match_limit(handles.context, compiledMatchLimit(text.size()));
        const int code =
            pcre2_match(m_code->code, subject, text.size(), from, PCRE2_NO_UTF_CHECK, handles.data, handles.context);
        if (code != PCRE2_ERROR_MATCHLIMIT && code != PCRE2_ERROR_JIT_STACKLIMIT)
            return code;
    }
    pcre2_set_match_limit(handles.context, kInterpreterMatchLimit);
    return pcre2_match(m_code->code, subject, text.size(), from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, handles.data,
                       handles.context);
}

bool Regex::next(std::string_view text, std::size_t from, Span& match, bool& gaveUp, RegexScratch& scratch) const
{
    std::size_t starts = kStartsPerCall;
    while (true) {
        if (scratch.m_left <= Clock::duration::zero()) {
            gaveUp = true;
            return false;
        }
        std::size_t lastStart = std::min(text.size(), from + starts);
        while (lastStart < text.size() && (static_cast<unsigned char>(text[lastStart]) & 0xC0) == 0x80)
            ++lastStart;
        const auto begin = Clock::now();
        const int code = attempt(text, from, lastStart, scratch);
        const auto spent = Clock::now() - begin;
        scratch.m_left -= spent;
        if (spent > kSlowCall)
            starts = 1;
        if (code >= 0) {
            const PCRE2_SIZE* place = pcre2_get_ovector_pointer(scratch.m_handles->data);
            match = {place[0], place[1], true};
            return true;
        }
        if (code != PCRE2_ERROR_NOMATCH) {
            gaveUp = true;
            return false;
        }
        if (lastStart >= text.size())
            return false;
        from = lastStart;
    }
}

void Regex::split(std::string_view text, std::vector<Span>& spans, RegexScratch& scratch) const
{
    spans.clear();
    if (!scratch.m_handles)
        scratch.m_handles = std::make_unique<RegexScratch::Handles>();
    bool gaveUp = !scratch.m_handles->data || !scratch.m_handles->context;
    std::size_t from = 0;
    std::size_t covered = 0;
    bool any = false;
    Span match;
    while (!gaveUp && from <= text.size() && next(text, from, match, gaveUp, scratch)) {
        // An empty match right after a match is passed over, or the search would never advance.
        if (match.begin == match.end && any && match.end == covered) {
            if (match.end >= text.size())
                break;
            from = match.end;
            nextCodePoint(text, from);
            continue;
        }
        if (covered != match.begin)
            spans.push_back({covered, match.begin, false});
        spans.push_back(match);
        covered = from = match.end;
        any = true;
    }
    if (covered != text.size())
        spans.push_back({covered, text.size(), false});
}

} // namespace sa::tokenizer
