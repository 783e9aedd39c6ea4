// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/pieces.h"

#include <algorithm>
#include <array>
#include <utility>

namespace sa::tokenizer
{

namespace
{

constexpr std::array<std::pair<std::string_view, SplitBehavior>, 5> kBehaviors{{
    {"Removed", SplitBehavior::Removed},
    {"Isolated", SplitBehavior::Isolated},
    {"MergedWithPrevious", SplitBehavior::MergedWithPrevious},
    {"MergedWithNext", SplitBehavior::MergedWithNext},
    {"Contiguous", SplitBehavior::Contiguous},
}};

/// Joins span i to the one before it wherever `joins(previousMatched, matched)`; works for either direction.
template<class Iterator, class Joins> std::size_t joinSpans(Iterator begin, Iterator end, Joins&& joins)
{
    std::size_t kept = 0;
    bool previousMatched = false;
    for (Iterator it = begin; it != end; ++it) {
        const Span span = *it;
        if (kept > 0 && joins(previousMatched, span.matched)) {
            Span& last = *(begin + static_cast<std::ptrdiff_t>(kept - 1));
            last.begin = std::min(last.begin, span.begin);
            last.end = std::max(last.end, span.end);
        } else {
            *(begin + static_cast<std::ptrdiff_t>(kept++)) = span;
        }
        previousMatched = span.matched;
    }
    return kept;
}

} // namespace

Result<SplitBehavior> readSplitBehavior(const JsonField& field)
{
    SA_TRY(const std::string text, field.asString());
    for (const auto& [name, value] : kBehaviors)
        if (text == name)
            return value;
    return field.wrong("Removed, Isolated, MergedWithPrevious, MergedWithNext or Contiguous");
}

void applyBehavior(std::vector<Span>& spans, SplitBehavior behavior)
{
    const auto startsAfterMatch = [](bool previous, bool matched) { return matched && !previous; };
    switch (behavior) {
    case SplitBehavior::Removed:
        std::erase_if(spans, [](const Span& span) { return span.matched; });
        break;
    case SplitBehavior::Isolated:
        break;
    case SplitBehavior::Contiguous:
        spans.resize(
            joinSpans(spans.begin(), spans.end(), [](bool previous, bool matched) { return previous == matched; }));
        break;
    case SplitBehavior::MergedWithPrevious:
        spans.resize(joinSpans(spans.begin(), spans.end(), startsAfterMatch));
        break;
    case SplitBehavior::MergedWithNext: {
        const std::size_t kept = joinSpans(spans.rbegin(), spans.rend(), startsAfterMatch);
        spans.erase(spans.begin(), spans.end() - static_cast<std::ptrdiff_t>(kept));
        break;
    }
    }
    std::erase_if(spans, [](const Span& span) { return span.begin == span.end; });
}

} // namespace sa::tokenizer
