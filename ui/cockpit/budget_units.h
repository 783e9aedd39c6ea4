// SPDX-License-Identifier: GPL-3.0-or-later
// The four ways to say how large a plan may be, and from each of them to bytes of the linears. A way without a basis is
// not there: nothing is guessed.
#pragma once

#include "ui/models/model_summary.h"

#include <cstdint>
#include <optional>

namespace sa::ui
{

/// How fast this machine gets through packed weights, seen when it generated text: decoding waits for memory.
struct SpeedBasis {
    double bytesPerSecond = 0;
    QString source; ///< "152 tokens/s, measured with llama2-6m-lat-3bit"; shown text
};

class BudgetUnits
{
public:
    std::uint64_t weights = 0;    ///< of the linears
    std::uint64_t otherBytes = 0; ///< stored beside them
    std::optional<TokenTraffic> traffic;
    std::optional<SpeedBasis> speed;
    int context = 0; ///< tokens that the memory is for

    double bitsPerWeight(std::uint64_t bytes) const;
    std::uint64_t fileBytes(std::uint64_t bytes) const { return bytes + otherBytes; }
    /// Weights and the cache of keys and values, grown straight with the context.
    std::optional<double> memoryBytes(std::uint64_t bytes) const;
    std::optional<double> tokensPerSecond(std::uint64_t bytes) const;

    /// Rounded down; 0 where nothing is that small.
    std::uint64_t fromBitsPerWeight(double bits) const;
    std::uint64_t fromFileBytes(double file) const;
    std::uint64_t fromMemoryBytes(double memory) const;
    std::uint64_t fromTokensPerSecond(double rate) const;

private:
    double cacheBytes() const;
};

} // namespace sa::ui
