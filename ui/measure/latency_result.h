// SPDX-License-Identifier: GPL-3.0-or-later
// The result of a `latency` job (docs/PROTOCOL.md) as values, and what it says in words.
#pragma once

#include "ui/models/model_summary.h"

namespace sa::ui
{

/// Quartiles of repeated measurements; NaN where nothing was measured.
struct Spread {
    double median = kNoNumber, low = kNoNumber, high = kNoNumber;
    bool isKnown() const { return median == median; }
};

struct LatencyAtLength {
    int promptTokens = 0;
    Spread firstToken;    ///< seconds; the prefill ends with it
    Spread decode;        ///< seconds a token
    Spread decodeJoules;  ///< a token
    Spread prefillJoules; ///< of the whole prompt
    std::uint64_t cacheBytes = 0;

    double tokensPerSecond() const { return 1.0 / decode.median; }
};

struct MeasuredModel {
    QString folder;
    std::vector<LatencyAtLength> lengths; ///< ascending
    std::uint64_t weightBytes = 0, cacheBytes = 0, scratchBytes = 0;
    std::uint64_t linearBytes = 0;     ///< of the weights: the layers that bits are given to
    double calculatedJoules = kNoNumber; ///< a token, by the analytic model

    std::uint64_t memoryBytes() const { return weightBytes + cacheBytes + scratchBytes; }
};

struct LatencyResult {
    std::vector<MeasuredModel> models; ///< one, or the original and the compressed one
    int decodeTokens = 0, repeats = 0, warmup = 0, threads = 0;
    QString device;
    QString energySource; ///< "rapl", "nvml" or empty: not measured
    QString energyTable;  ///< of the analytic model
    int energyContext = 0;
    Json raw; ///< as it came
};

/// The worker is not trusted, nor is a file of ours: every member is checked.
Result<LatencyResult> parseLatencyResult(const Json& result);

/// "Decodes 1.8 times as fast, in 0.21 of the memory": the second model against the first, after the longest prompt.
/// Differences within the spread of the measurements are called none.
QString latencyHeadline(const LatencyResult& result);
/// The figures behind the headline.
QString latencyDetails(const LatencyResult& result);
/// A line for each model and length, seconds and bytes, for spreadsheets.
std::string latencyCsv(const LatencyResult& result);

QString millisecondsText(double seconds); ///< "12.3"
QString energyText(double joules);        ///< "31 mJ"; a dash when it is not a number

} // namespace sa::ui
