// SPDX-License-Identifier: GPL-3.0-or-later
// Quantizes decoder blocks one after another (algorithm 4.3), truly sequentially: every group of linears is calibrated
// on what all quantized linears before it produce, those of its own block included, and aims at what it puts out in the
// original model (docs/decisions/0003, 0007). One block is in memory at a time, as it was and as it becomes; what is
// carried along are the calibration windows' activations in both models.
#pragma once

#include "core/engine/group_quantizer.h"
#include "core/engine/jobs.h"
#include "core/engine/progress.h"
#include "core/engine/stage_clock.h"
#include "core/model/decoder.h"
#include <map>
#include <optional>

namespace sa
{

struct QuantizedLayer {
    LinearInfo info;
    PackedWeight packed;
    double error = 0, relativeError = 0, seconds = 0;
};

/// Either planes or bytes.
struct QuantizedHead {
    LinearInfo info;
    std::optional<PackedWeight> planes;
    std::optional<ByteWeight> bytes;
    double error = 0, relativeError = 0, seconds = 0;

    std::uint64_t storedBytes() const { return planes ? planes->storedBytes() : bytes->storedBytes(); }
};

class BlockPipeline
{
public:
    /// Tokens whose activations are held at once while the Hessians are summed. A constant: sums must not depend on
    /// threads.
    static constexpr std::int64_t kTokensPerBatch = 8192;

    /// Planes by layer name; what is not there stays dense.
    using Widths = std::map<std::string, int>;
    /// All references must outlive the pipeline.
    BlockPipeline(const ModelFolder& model, const QuantizeSpec& spec, Widths widths, at::Device device,
                  const JobContext& context);

    /// The hidden states that enter block 0.
    Result<void> embed(const std::vector<std::vector<std::int32_t>>& windows);

    /// Quantizes block `index` (blocks go in order) and moves the states past it. `onLayer` hears of each finished
    /// layer.
    Result<std::vector<QuantizedLayer>> run(int index, const std::function<void(const QuantizedLayer&)>& onLayer);

    /// Quantizes the output head, behind the last block: to bytes (kByteHeadBits), or to as many planes as `bits` says.
    Result<QuantizedHead> runHead(int bits);

    /// In place of run() for a block that an earlier process quantized: moves the states past it. `finished` holds the
    /// block as it became, packed layers and changed dense tensors. The states are the very same as after run().
    Result<void> skip(int index, const ModelFolder& finished);

    /// What the time went into so far; the job books its own parts there.
    StageClock& clock() { return m_clock; }

private:
    /// One of the two models on its way through the blocks.
    struct Stream {
        std::vector<at::Tensor> states;    ///< per window, f32 [T, hidden]: what the next residual starts from; at home
        std::vector<at::Tensor> kept;      ///< per window, f32 [T, K]: the input that was just read; or empty
        std::optional<DecoderBlock> block; ///< the present one
    };
    using WindowStep = std::function<at::Tensor(Stream& stream, std::size_t window)>;
    /// The states behind a linear, given its input.
    using PassOn = std::function<at::Tensor(Stream& stream, std::size_t window, const at::Tensor& input)>;
    /// Calibrates and sweeps the layers of one input. With `passOn` both models' states then move behind them.
    Result<void> quantize(LinearInput input, const WindowStep& read, const PassOn& passOn,
                          std::vector<QuantizedLayer>& done);
    Result<GroupBasis> calibrate(const LinearGroup& group, const WindowStep& read, const PassOn& passOn);
    /// Sums the second moments of an input over all windows; `cross` may be empty. -> tokens
    Result<std::int64_t> accumulate(HessianAccumulator& hessian, std::optional<CrossAccumulator>& cross, std::int64_t K,
                                    const WindowStep& read, const PassOn& passOn);
    Result<void> headToBytes(const LinearGroup& group, const WindowStep& read, QuantizedHead& head);
    Result<void> headToPlanes(LinearGroup group, int bits, const WindowStep& read, QuantizedHead& head);
    Result<void> sweepGroup(LinearGroup group, const GroupBasis& basis, std::vector<QuantizedLayer>& done);
    Result<void> advance(Stream& stream, const WindowStep& read, const PassOn& passOn);
    bool worthKeeping(std::int64_t width) const;
    std::vector<at::Tensor> places(std::size_t windows, std::int64_t tokens, std::int64_t width) const;
    /// In its place on behalf of a device; on the CPU the state itself (there both streams may share what `place`
    /// holds).
    at::Tensor keep(const at::Tensor& state, const at::Tensor& place) const;
    Result<void> unpackOnDevice(int index, const ModelFolder& finished);
    at::Tensor stateOf(const Stream& stream, std::size_t window) const; ///< on the device
    /// In parallel on the CPU, one after another on a device.
    void forEachWindow(std::size_t begin, std::size_t end, const std::function<void(std::size_t)>& body) const;
    void report(double finishedWindows);

    const ModelFolder& m_model;
    at::Device m_device;
    const JobContext& m_context;
    const QuantizeSpec& m_spec;
    Widths m_widths;
    GroupQuantizer m_quantizer;
    at::Device m_home; ///< where states wait: host memory where the device has no room for them
    StageClock m_clock;
    std::string m_place; ///< for the clock: the input in work
    PositionEncoder m_positions;
    Stream m_quantized;
    Stream m_original; ///< stands still without drift correction
    ProgressMeter m_meter;
    int m_block = 0;
    int m_pass = 0; ///< finished passes over the windows in this block
    std::string m_stepName;
};

} // namespace sa
