// SPDX-License-Identifier: GPL-3.0-or-later
// A text cut into pieces, and what becomes of the matches when pieces are split at them.
#pragma once

#include "core/base/json.h"
#include "core/tokenizer/regex.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sa::tokenizer
{

/// A text and the pieces of it that remain, in order, none of them empty.
struct Pieces {
    std::string text; ///< valid UTF-8
    std::vector<Span> spans;
    bool atStart = false; ///< the first piece begins where the user's text begins

    std::string_view at(const Span& span) const
    {
        return std::string_view(text).substr(span.begin, span.end - span.begin);
    }
};

enum class SplitBehavior {
    Removed,            ///< "a-b" at "-": a b
    Isolated,           ///< a - b
    MergedWithPrevious, ///< a- b
    MergedWithNext,     ///< a -b
    Contiguous,         ///< like Isolated, neighbouring matches together
};

Result<SplitBehavior> readSplitBehavior(const JsonField& field);

/// Turns spans that cover a piece into the pieces that remain of it (in place, empty ones dropped).
void applyBehavior(std::vector<Span>& spans, SplitBehavior behavior);

/// Splits every piece. `cover(piece, spans)` covers one piece, whose offsets count from its own start.
template<class Cover> void splitPieces(Pieces& pieces, SplitBehavior behavior, Cover&& cover)
{
    std::vector<Span> out;
    std::vector<Span> spans;
    out.reserve(pieces.spans.size());
    const std::size_t firstBegin = pieces.spans.empty() ? 0 : pieces.spans.front().begin;
    for (const Span& piece : pieces.spans) {
        cover(pieces.at(piece), spans);
        applyBehavior(spans, behavior);
        for (const Span& span : spans)
            out.push_back({piece.begin + span.begin, piece.begin + span.end, false});
    }
    pieces.atStart = pieces.atStart && !out.empty() && out.front().begin == firstBegin;
    pieces.spans = std::move(out);
}

/// Writes every piece anew: `write(piece, out)` appends what it becomes. What was between pieces is gone.
template<class Write> void rewritePieces(Pieces& pieces, Write&& write)
{
    std::string out;
    out.reserve(pieces.text.size() + pieces.text.size() / 4);
    for (Span& span : pieces.spans) {
        const std::size_t begin = out.size();
        write(pieces.at(span), out);
        span = {begin, out.size(), false};
    }
    pieces.text = std::move(out);
}

} // namespace sa::tokenizer
