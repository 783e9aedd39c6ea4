// SPDX-License-Identifier: GPL-3.0-or-later
// Quantizes decoder blocks one after another (algorithm 4.3), truly sequentially: every group of linears is calibrated
// on what all quantized linears before it produce, those of its own block included, and aims at what it puts out in the
// original model (docs/decisions/0003, 0007). The windows run through each part of a block once in either model, right
// after the part was quantized. One block is in memory at a time, as it was and as it becomes; what is carried along
// are the calibration windows' activations in both models.
#pragma once

#include "core/engine/jobs.h"
#include "core/engine/progress.h"
#include "core/model/decoder.h"
#include "core/quant/sweep.h"

#include <optional>

namespace sa
{

struct QuantizedLayer {
    LinearInfo info;
    PackedWeight packed;
    double error = 0, relativeError = 0, seconds = 0;
};

class BlockPipeline
{
public:
    /// Tokens whose activations are held at once while the Hessians are summed. A constant: sums must not depend on
    /// threads.
    static constexpr std::int64_t kTokensPerBatch = 8192;

    /// All references must outlive the pipeline.
    BlockPipeline(const ModelFolder& model, const QuantizeSpec& spec, at::Device device, const JobContext& context);

    /// The hidden states that enter block 0.
    Result<void> embed(const std::vector<std::vector<std::int32_t>>& windows);

    /// Quantizes block `index` (blocks go in order) and moves the states past it. `onLayer` hears of each finished
    /// layer.
    Result<std::vector<QuantizedLayer>> run(int index, const std::function<void(const QuantizedLayer&)>& onLayer);

    /// In place of run() for a block that an earlier process quantized: moves the states past it. `finished` holds the
    /// block as it became, packed layers and changed dense tensors. The states are the very same as after run().
    Result<void> skip(int index, const ModelFolder& finished);

private:
    /// One of the two models on its way through the blocks.
    struct Stream {
        std::vector<at::Tensor> states;    ///< per window, f32 [T, hidden]: what the next residual starts from
        std::vector<at::Tensor> mixed;     ///< per window, f32 [T, heads*d]: between the attention and o_proj
        std::optional<DecoderBlock> block; ///< the present one
    };
    using WindowStep = std::function<at::Tensor(Stream& stream, std::size_t window)>;
    struct Calibration {
        SweepFactor factor;
        at::Tensor correction; ///< f32 [K, K], or undefined: the target of the sweep is W + share * W correction
        double share = 0;
    };
    Result<Calibration> calibrate(const std::string& layerName, std::int64_t K, const WindowStep& input);
    Result<void> sweepGroup(const std::vector<LinearInfo>& layers, const Calibration& calibration,
                            std::vector<QuantizedLayer>& done);
    Result<void> advance(const WindowStep& step, bool reported = true);
    /// Leaves windows out once the job is cancelled: to be looked at afterwards.
    void forEachWindow(std::size_t begin, std::size_t end, const std::function<void(std::size_t)>& body) const;
    void report(double finishedWindows);

    const ModelFolder& m_model;
    at::Device m_device;
    const JobContext& m_context;
    SweepOptions m_sweepOptions;
    double m_damping;
    PositionEncoder m_positions;
    Stream m_quantized, m_original;
    ProgressMeter m_meter;
    int m_block = 0;
    int m_pass = 0; ///< finished passes over the windows in this block
    std::string m_stepName;
};

} // namespace sa
