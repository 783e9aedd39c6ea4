// SPDX-License-Identifier: GPL-3.0-or-later
// The perplexity of a text under a decoder at hand, without a job and without a cache.
#pragma once

#include "core/eval/divergence.h"
#include "core/eval/window_scores.h"

#include <optional>

namespace test
{

struct Perplexity {
    double perplexity = 0;
    std::int64_t windows = 0;
};

inline sa::Result<Perplexity> perplexity(const sa::Decoder& decoder, const std::vector<std::int32_t>& ids, int length,
                                         std::optional<int> maxWindows)
{
    SA_TRY(const sa::TextWindows windows, sa::TextWindows::of(ids, length, maxWindows));
    sa::ScoringProgress progress{[](std::int64_t, std::int64_t) {}};
    const sa::ChunkCache nothing(std::nullopt, "none", {});
    SA_TRY(const auto scores, sa::scoreWindows([&]() -> sa::Result<const sa::Decoder*> { return &decoder; }, windows,
                                               nullptr, nothing, sa::CancelToken(), progress));
    return Perplexity{sa::perplexityOf(scores, length).value, windows.count};
}

} // namespace test
