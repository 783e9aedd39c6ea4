// SPDX-License-Identifier: GPL-3.0-or-later
// Quantizes decoder blocks one after another, each calibrated on what the quantized blocks before it produce (algorithm
// 4.3). One block of weights is in memory at a time; the calibration windows' hidden states are what is carried along.
#pragma once

#include "core/engine/jobs.h"
#include "core/engine/progress.h"
#include "core/model/decoder.h"
#include "core/quant/sweep.h"

namespace sa {

struct QuantizedLayer {
    LinearInfo info;
    PackedWeight packed;
    double error = 0, relativeError = 0, seconds = 0;
};

class BlockPipeline {
public:
    /// All references must outlive the pipeline.
    BlockPipeline(const ModelFolder& model, const QuantizeSpec& spec, at::Device device, const JobContext& context);

    /// The hidden states that enter block 0.
    Result<void> embed(const std::vector<std::vector<std::int32_t>>& windows);

    /// Quantizes block `index` (blocks go in order) and moves the states past it. `onLayer` hears of each finished layer.
    Result<std::vector<QuantizedLayer>> run(int index, const std::function<void(const QuantizedLayer&)>& onLayer);

private:
    Result<std::vector<SweepFactor>> calibrate(const DecoderBlock& block);
    Result<void> sweepGroup(DecoderBlock& block, const std::vector<LinearInfo>& layers, const SweepFactor& factor,
                            std::vector<QuantizedLayer>& done);
    Result<void> advance(const DecoderBlock& block);
    void forEachWindow(std::size_t begin, std::size_t end, const std::function<void(std::size_t)>& body) const;
    void report(double fractionOfBlock, const std::string& step);

    const ModelFolder& m_model;
    at::Device m_device;
    const JobContext& m_context;
    SweepOptions m_sweepOptions;
    double m_damping;
    RotaryEmbedding m_rotary;
    std::vector<at::Tensor> m_states; ///< per window, f32 [T, hidden]
    ProgressMeter m_meter;
    int m_block = 0;
};

} // namespace sa
