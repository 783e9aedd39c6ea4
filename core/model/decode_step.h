// SPDX-License-Identifier: GPL-3.0-or-later
// One token through a model on a CUDA device: recorded once as a graph, replayed for each token. It continues the
// caches that an ordinary prefill filled, and gives what Decoder::hidden and logits would, up to the order of sums.
#pragma once

#include "core/model/step_model.h"

#include <memory>

namespace sa
{

class DecodeStep
{
public:
    /// Nothing where the device, the build or the model asks for the ordinary path; `why`, if not null, says so.
    /// The caches must live as long, and keep their memory.
    static std::unique_ptr<DecodeStep> create(std::shared_ptr<const StepModel> model, std::vector<KvCache>& caches,
                                              std::string* why = nullptr);
    virtual ~DecodeStep() = default;

    /// Runs the token at the end of the caches, which grow by it. -> f32 [vocab], valid until the next call.
    /// Throws std::runtime_error when the device fails.
    virtual at::Tensor run(std::int32_t token) = 0;
    /// The likeliest token after the last call of run or next.
    virtual std::int32_t likeliest() const = 0;
    /// Seconds that `count` steps take, each fed with the likeliest token of the one before; the caches grow.
    virtual double time(int count) = 0;
};

} // namespace sa
