// SPDX-License-Identifier: GPL-3.0-or-later
// Speed of whole models, one token at a time, beside the fastest read of memory: a packed folder, or random planes of
// the shape that a config.json describes, with the float16 model of that shape where it fits.
#pragma once

#include "core/base/cancel.h"
#include "core/base/result.h"
#include "core/bench/shape_bench.h"
#include "core/model/decoder.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sa
{

struct ModelBenchRequest {
    int context = 128; ///< tokens that are in the cache before
    int decode = 64;   ///< tokens of a measurement
    int repeats = 5;
    std::uint64_t seed = 0;
};

/// One way of running one model.
struct ModelBenchRow {
    std::string name;
    std::int64_t planeBytes = 0;  ///< of packed planes that a token reads
    std::int64_t denseBytes = 0;  ///< of dense weights that a token reads, head included
    Timing token;                 ///< seconds of a token on the device, tokens one behind the other
    Timing loop;                  ///< the same with the processor asking for each token; 0: not measured
    std::optional<double> error;  ///< of the logits, relative in norm to the ordinary path's: the worst of some tokens
    std::int64_t deviceBytes = 0; ///< weights and cache on the device; 0: unknown
};

struct RandomModel {
    ModelConfig config;
    int bits = 3; ///< 0: dense float16
    int C = 8;    ///< columns of a scale
    std::optional<int> groupRows;
};

/// Random weights on CUDA device `index`, decode steps only. OutOfMemory when the device is too small.
Result<ModelBenchRow> randomModelBench(int index, const RandomModel& model, const ModelBenchRequest& request,
                                       const CancelToken& cancel);

/// A loaded model: as a decode step where there is one, and as the ordinary path. Internal when the two disagree:
/// nothing is timed then.
Result<std::vector<ModelBenchRow>> decoderBench(const Decoder& decoder, const ModelBenchRequest& request,
                                                const CancelToken& cancel);

} // namespace sa
