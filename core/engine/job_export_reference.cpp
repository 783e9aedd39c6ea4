// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/job_export_reference.h"

#include "core/checkpoint/reference_lat.h"
#include "core/engine/progress.h"

#include <filesystem>

namespace sa
{

Result<std::uint64_t> exportReference(const ModelFolder& model, const StagedFolder& stage, const JobContext& context)
{
    std::error_code ignored;
    const std::string modelName = std::filesystem::weakly_canonical(model.path, ignored).filename().string();
    if (model.quantizedHead())
        return makeError(Errc::Unsupported, "the reference's form has no quantized head")
            .in(model.path)
            .at(headLayer(model.config).name)
            .tryThis("Export as hf-fp16 instead, or quantize with --head-bits 16");
    const auto layers = linearLayers(model.config);
    ProgressMeter meter(context.emit, "write", "layers", static_cast<double>(layers.size()));
    std::uint64_t bytes = 0, rounded = 0;
    for (std::size_t i = 0; i < layers.size(); ++i) {
        SA_CHECK(context.cancel.check());
        const LinearInfo& layer = layers[i];
        meter.update(static_cast<double>(i), layer.name);
        const PackedLayerInfo* info = model.packedLayer(layer.name);
        if (!info)
            return makeError(Errc::Unsupported, "the reference's form has no dense layers")
                .in(model.path)
                .at(layer.name)
                .tryThis("Export as hf-fp16 instead");
        SA_TRY(const PackedWeight weight, readPacked(model.store, *info));
        SA_TRY(const std::string fileName,
               referenceFileName(modelName, {layer.name, layer.block, layer.N, layer.K}, weight.q));
        const std::string path = joinPath(stage.path(), fileName);
        auto written = writeReferenceFile(path, weight);
        if (!written) {
            Error error = std::move(written).error();
            if (error.code == Errc::Unsupported) { // about the layer, not about the file that will never be
                error.file = model.path;
                error.where = layer.name;
            }
            return error;
        }
        rounded += *written;
        SA_TRY(const File file, File::open(path));
        bytes += file.sizeBytes();
    }
    meter.update(static_cast<double>(layers.size()));
    if (rounded > 0)
        context.warn(std::to_string(rounded) + " scales have more than 24 binary digits and were rounded to float32");
    return bytes;
}

} // namespace sa
