// SPDX-License-Identifier: GPL-3.0-or-later
// Walks the original model with the calibration windows, block by block, and quantizes each layer at several widths on
// its original inputs: the paper's criterion (algorithm 5.1) and the error of the real quantizer (algorithm 5.2). One
// Hessian and one factor serve all layers of an input and all widths. One block of weights is in memory at a time.
#pragma once

#include "core/engine/group_quantizer.h"
#include "core/engine/jobs.h"
#include "core/model/decoder.h"

#include <map>
#include <optional>

namespace sa
{

struct MeasuredWidth {
    int bits = 0;
    double relativeError = 0; ///< ||(W - W^) X||^2 / ||W X||^2
    double residual = 0;      ///< ||W - W^||^2 / ||W||^2
    PackedWeight packed;
};

struct MeasuredLayer {
    std::string name;
    /// C = ||IS||_F std(IS)^2, IS = W / diag(R) (ShiftAddLLM, equation 3), in the basis and column order of the sweep,
    /// whose factor R it takes; H is the sum over all tokens, so that only ranks mean anything.
    double criterion = 0;
    std::vector<double> inputRms;   ///< [K]: of each input channel
    std::vector<double> columnNorm; ///< [K]: of the weight's columns
    std::vector<MeasuredWidth> widths;
    std::string problem; ///< why there is nothing else in here; empty: all went well
};

class ErrorPass
{
public:
    /// All references must outlive the pass.
    ErrorPass(const ModelFolder& model, const QuantizerOptions& options, at::Device device, const JobContext& context);

    /// The hidden states that enter block 0.
    Result<void> embed(const std::vector<std::vector<std::int32_t>>& windows);

    /// Widths to sweep, by layer name; a layer without an entry is only passed through.
    using Widths = std::map<std::string, std::vector<int>>;
    /// Blocks go in order. A layer that cannot be measured has a `problem`; an error ends the job. `onStep` hears of
    /// the share of the block that is done, 0..1.
    Result<std::vector<MeasuredLayer>> run(int block, const Widths& widths, const std::function<void(double)>& onStep);

private:
    using Hessians = std::array<std::optional<HessianAccumulator>, kLinearInputs>;
    Result<void> walk(const DecoderBlock& block, Hessians& hessians, const std::function<void(double)>& onStep);
    Result<void> sweepGroup(LinearGroup group, std::optional<HessianAccumulator>& hessian, const Widths& widths,
                            std::vector<MeasuredLayer>& done);

    const ModelFolder& m_model;
    at::Device m_device;
    const JobContext& m_context;
    GroupQuantizer m_quantizer;
    PositionEncoder m_positions;
    std::vector<at::Tensor> m_states; ///< per window, f32 [T, hidden], on the device
    std::int64_t m_tokens = 0;
};

} // namespace sa
