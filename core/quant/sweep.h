// SPDX-License-Identifier: GPL-3.0-or-later
// The column sweep (algorithm 3.3, 3.4; OPTQ with scales fitted when their columns are reached) from a dense weight to
// sign planes. Row groups do not depend on each other, so each is one piece of parallel work.
#pragma once

#include "core/base/cancel.h"
#include "core/checkpoint/packed_weight.h"
#include "core/quant/bcq.h"
#include "core/quant/hessian.h"

namespace sa
{

struct SweepOptions {
    BcqOptions bcq;
    std::int64_t rowsPerScale = 0;    ///< R; 0: ceil(N/8); more than N: N
    std::int64_t columnsPerScale = 8; ///< C; 8 for `lat`, 1 for `acc`
    bool weightedFit = true;          ///< a column's errors weigh in the fit what they cost in the sweep
    int refinements = 2;              ///< coordinate descent passes over scales and codes after the sweep
};

/// One layer on its way. Pieces may run in any order on any thread; `finish` joins them in a fixed one.
class LayerSweep
{
public:
    /// `weight`: f32 [N, K] on the CPU; both must outlive the sweep.
    LayerSweep(const at::Tensor& weight, const SweepFactor& factor, const SweepOptions& options);

    std::int64_t pieces() const;
    /// Sweeps one row group; looks at `cancel` between column blocks and then leaves the piece unfinished.
    void runPiece(std::int64_t piece, const CancelToken& cancel);

    struct Outcome {
        PackedWeight packed;      ///< in the basis of the weight; transforms are the caller's to add
        double error = 0;         ///< tr((W - W^) (H + ridge) (W - W^)^T) / 2: what the sweep's sum of losses is
        double relativeError = 0; ///< ||(W - W^) X||^2 / ||W X||^2 on the calibration data
    };
    Outcome finish();

private:
    struct PieceResult {
        double error = 0, errorEnergy = 0, energy = 0;
    };
    const at::Tensor& m_weight;
    const SweepFactor& m_factor;
    SweepOptions m_options;
    PackedWeight m_packed;
    std::vector<PieceResult> m_results;
};

} // namespace sa
