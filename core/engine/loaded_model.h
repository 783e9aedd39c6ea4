// SPDX-License-Identifier: GPL-3.0-or-later
// A model made ready to run: folder, tokenizer, weights resident.
#pragma once

#include "core/engine/jobs.h"
#include "core/model/decoder.h"

namespace sa
{

struct LoadedModel {
    Tokenizer tokenizer;
    Decoder decoder;

    /// Sets the threads, opens the folder and loads it; emits `open` progress in blocks. precision: of a job
    /// (`cpu_precision`).
    static Result<LoadedModel> load(const std::string& folder, int threads, const std::string& device,
                                    const std::string& precision, const JobContext& context);
};

} // namespace sa
