// SPDX-License-Identifier: GPL-3.0-or-later
// Runs a method from a plugin over the decoder blocks. The method gets the original weights (no drift correction: a
// baseline stays what its paper says) and the Hessian of what each input really is behind the layers quantized before
// it (docs/decisions/0003); what it made replaces the weight for all that follows. One block is in memory at a time.
#pragma once

#include "core/engine/jobs.h"
#include "core/engine/layer_ledger.h"
#include "core/engine/method_library.h"
#include "core/engine/progress.h"
#include "core/model/decoder.h"

namespace sa
{

struct MethodLayer {
    LinearInfo info;
    MethodOutput output; ///< `dense` is rounded to the dtype of the original: what a reader of the folder will see
    LayerOutcome outcome;
};

class MethodPipeline
{
public:
    /// All references must outlive the pipeline. `options`: complete.
    MethodPipeline(const ModelFolder& model, const MethodInfo& info, const MethodLibrary& library, std::string options,
                   at::Device device, const JobContext& context);

    /// Before the first block, when the method wants Hessians: the hidden states that enter block 0.
    Result<void> embed(const std::vector<std::vector<std::int32_t>>& windows);
    /// Quantizes block `index` (blocks go in order) and moves the states past it.
    Result<std::vector<MethodLayer>> run(int index, const std::function<void(const MethodLayer&)>& onLayer);
    /// In place of run() for a block that an earlier process quantized; the states are the very same as after run().
    Result<void> skip(int index, const ModelFolder& finished);

private:
    using WindowStep = std::function<at::Tensor(std::size_t window)>;
    Result<at::Tensor> hessianOf(std::int64_t K, const WindowStep& read);
    Result<void> quantizeGroup(const std::vector<LinearInfo>& layers, const at::Tensor& hessian,
                               std::vector<MethodLayer>& done);
    Result<void> replaceInBlock(const MethodLayer& layer);
    Result<void> walkBlock(int index, const std::function<Result<void>(LinearInput, const WindowStep&)>& quantize);
    Result<void> advance(std::vector<at::Tensor>& states, const WindowStep& step) const;

    const ModelFolder& m_model;
    const MethodInfo& m_info;
    const MethodLibrary& m_library;
    std::string m_options;
    at::Device m_device;
    const JobContext& m_context;
    PositionEncoder m_positions;
    std::vector<at::Tensor> m_states; ///< per window, f32 [T, hidden]; empty: the method looks at no data
    std::optional<DecoderBlock> m_block;
    ProgressMeter m_meter;
    std::size_t m_finished = 0; ///< layers
};

} // namespace sa
