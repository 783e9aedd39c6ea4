// SPDX-License-Identifier: GPL-3.0-or-later
// The column sweep of sweep.h on a CUDA device, for all layers that read one input together: what is sequential (one
// column block after another) is paid once for all of their row groups. Same algorithm and formats as LayerSweep; sums
// are taken in another order, so codes may differ where a weight lies on a border.
#pragma once

#include "core/quant/sweep.h"

#include <functional>

namespace sa
{

/// False in a build without CUDA's compiler: then LayerSweep does the work.
bool deviceSweepBuilt() noexcept;

struct DeviceLayer {
    at::Tensor weight;             ///< f32 [N, K] on the device
    std::int64_t rowsPerScale = 0; ///< R; 0: ceil(N/8)
};

struct DeviceOutcome {
    PackedWeight packed;
    at::Tensor dense;         ///< f32 [N, K] on the device: what the planes stand for
    double error = 0;         ///< as in LayerSweep::Outcome
    double relativeError = 0; ///< likewise
};

enum class SweepPhase { Swept, Refined, Packed };

/// `factor`: its tensors on the device of the weights. `finished` (may be empty) hears of each phase once the device is
/// through with it. Same input, same bits. Device error when a kernel fails, Cancelled when the token says so (looked
/// at once per 128 columns).
Result<std::vector<DeviceOutcome>> sweepOnDevice(const std::vector<DeviceLayer>& layers, const SweepFactor& factor,
                                                 const SweepOptions& options, const CancelToken& cancel,
                                                 const std::function<void(SweepPhase)>& finished = {});

/// Waits until the device has done all it was given; for clocks. Nothing to do on the CPU.
void waitFor(at::Device device);

/// Bytes that could still be allocated on a CUDA device; 0 where nobody knows.
std::uint64_t freeDeviceBytes(at::Device device);

} // namespace sa
