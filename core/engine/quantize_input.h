// SPDX-License-Identifier: GPL-3.0-or-later
// What a quantize job starts from: the original model, and windows of calibration text.
#pragma once

#include "core/engine/jobs.h"

namespace sa
{

/// The folder, its warnings passed on; BadInput when it is packed already.
Result<ModelFolder> openOriginal(const std::string& folder, const JobContext& context);

struct CalibrationText {
    std::vector<std::vector<std::int32_t>> windows; ///< token ids
    Json record;                                    ///< what goes into the checkpoint: digests and numbers, no paths
};
/// BadInput/NotFound name the file; Usage when the windows are longer than the model's context.
Result<CalibrationText> readCalibration(const QuantizerOptions& options, const ModelFolder& model,
                                        const JobContext& context);

/// The same, with other windows of the text that overlap none of these: `held` of them, evenly spread, fewer where they
/// would be more than a quarter of the text. A text too short to spare any gives windows that overlap, with a warning.
struct SplitCalibration {
    CalibrationText calibration;
    std::vector<std::vector<std::int32_t>> held;
};
Result<SplitCalibration> splitCalibration(const QuantizerOptions& options, int held, const ModelFolder& model,
                                          const JobContext& context);

/// The fields of a folder's record that follow from the original alone: `source`, `originalDtype`, `originalBytes`.
/// Reads all weights for their digests; reports progress.
Result<QuantizationInfo> describeOriginal(const ModelFolder& model, const JobContext& context);

/// Bytes left for tokenizer files: the largest have some 35 MB.
inline constexpr std::uint64_t kTokenizerRoom = std::uint64_t{64} << 20;

} // namespace sa
