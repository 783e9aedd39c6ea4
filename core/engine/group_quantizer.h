// SPDX-License-Identifier: GPL-3.0-or-later
// The layers of a block that read one input, on their way to planes: the basis in which they are quantized and the
// factor of its Hessian, made once, then the column sweep of each layer at any width. What `quantize` does to a model
// and what `analyze` says of it come from here.
#pragma once

#include "core/base/cancel.h"
#include "core/model/model_folder.h"
#include "core/protocol/job_spec.h"
#include "core/quant/device_sweep.h"
#include "core/quant/transform.h"

#include <functional>
#include <optional>

namespace sa
{

/// body(i) for i in [0, count): in parallel on the CPU, one after another on a device. On the CPU each piece runs
/// single-threaded, a single one too, and so gives the same bits on every machine size.
void forEachPiece(at::Device device, std::size_t count, const std::function<void(std::size_t)>& body);

/// What `packed` stands for, given its levels, f32 [N, K], on any device.
at::Tensor inOriginalBasis(at::Tensor levels, const PackedWeight& packed);

struct LinearGroup {
    int block = 0;
    LinearInput input = LinearInput::Attention;
    std::vector<LinearInfo> layers;
    std::vector<at::Tensor> weights; ///< f32 [N, K] each, on the quantizer's device
    bool rotatesOutputs = true;      ///< where outputs are rotated at all

    std::int64_t K() const { return layers.front().K; }
};

/// What the calibration data say about one input, in the basis that its layers are quantized in.
struct GroupBasis {
    InputTransform transform;
    SweepFactor factor;
    at::Tensor correction;           ///< f32 [K, K], or undefined: the target of the sweep is W + share * W correction
    double share = 0;                ///< of the correction
    std::vector<double> inputEnergy; ///< [K]: diag(H) before the transform
};

struct SweptLayer {
    PackedWeight packed;
    at::Tensor dense;                    ///< f32 [N, K] on the quantizer's device: the weight that the planes stand for
    double error = 0, relativeError = 0; ///< as in LayerSweep::Outcome
};

class GroupQuantizer
{
public:
    /// `device`: of Hessians, weights and sweeps; the CPU where there are no kernels for another. `options` and
    /// `cancel` must outlive the object.
    GroupQuantizer(const QuantizerOptions& options, at::Device device, const CancelToken& cancel);

    at::Device device() const { return m_device; }
    /// The layers of `block` that read `input` and for which `wanted` says so; empty where there are none.
    Result<LinearGroup> read(const ModelFolder& model, int block, LinearInput input,
                             const std::function<bool(const LinearInfo&)>& wanted = {}) const;

    /// Uses up what was summed: at the widest inputs of large models each matrix is a gigabyte. Without `cross` there
    /// is no correction. Errors as of factorize().
    Result<GroupBasis> basis(const LinearGroup& group, std::optional<HessianAccumulator>& hessian,
                             std::optional<CrossAccumulator>& cross) const;

    /// The group's weights as the sweep wants them: transformed, corrected, rotated.
    struct Target {
        std::vector<at::Tensor> weights;
        std::vector<std::optional<std::uint64_t>> outputRotations;
    };
    Target target(LinearGroup& group, const GroupBasis& basis) const; ///< takes the weights out of the group

    /// One sweep.
    struct Task {
        std::size_t layer = 0; ///< of the group
        int planes = 0;        ///< 1..4
    };
    /// In the order of `tasks`. `finished` (may be empty) hears of each phase. Cancelled when the token says
    /// so.
    Result<std::vector<SweptLayer>> sweep(const LinearGroup& group, const GroupBasis& basis, const Target& target,
                                          const std::vector<Task>& tasks,
                                          const std::function<void(SweepPhase)>& finished = {}) const;

private:
    SweepOptions sweepOptions(const LinearInfo& layer, int planes) const;
    Result<std::vector<DeviceOutcome>> sweepOnCpu(const LinearGroup& group, const GroupBasis& basis,
                                                  const Target& target, const std::vector<Task>& tasks,
                                                  const std::function<void(SweepPhase)>& finished) const;
    Result<std::vector<DeviceOutcome>> sweepOnDevice(const LinearGroup& group, const GroupBasis& basis,
                                                     const Target& target, const std::vector<Task>& tasks,
                                                     const std::function<void(SweepPhase)>& finished) const;
    /// Every rotation has signs of its own; matrix 0 is the group's input, 1 and up are its layers' outputs.
    std::uint64_t rotationSeed(const LinearGroup& group, std::size_t matrix) const;

    const QuantizerOptions& m_options;
    at::Device m_device;
    const CancelToken& m_cancel;
};

} // namespace sa
