// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/loaded_model.h"

#include "core/engine/progress.h"
#include "core/model/tensors.h"

namespace sa
{

Result<LoadedModel> LoadedModel::load(const std::string& folder, int threads, const std::string& device,
                                      const std::string& precision, const JobContext& context)
{
    setThreads(threads);
    SA_TRY(const at::Device where, parseDevice(device));
    SA_TRY(const ModelFolder model, ModelFolder::open(folder));
    for (const auto& warning : model.warnings)
        context.warn(warning);
    SA_TRY(Tokenizer tokenizer, Tokenizer::open(folder));
    ProgressMeter meter(context.emit, "open", "blocks", static_cast<double>(model.config.layers));
    const auto progress = [&](int done, int) { meter.update(done); };
    SA_TRY(Decoder decoder, Decoder::load(model, where, context.cancel, progress, planesOf(precision)));
    return LoadedModel{std::move(tokenizer), std::move(decoder)};
}

} // namespace sa
