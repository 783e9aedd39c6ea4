// SPDX-License-Identifier: GPL-3.0-or-later
// `bench` of a whole model, one token at a time.
#include "core/engine/jobs.h"
#include "core/engine/progress.h"
#include "core/model/model_folder.h"
#include "core/model/tensors.h"
#include "core/runtime/model_bench.h"

#include <ATen/ATen.h>
#include <filesystem>

namespace sa
{

namespace
{

Json orNull(double value)
{
    return value > 0 ? Json(value) : Json(nullptr);
}

Json toJson(const Timing& timing)
{
    if (timing.median == 0)
        return nullptr;
    return {{"median_us", timing.median * 1e6}, {"min_us", timing.least * 1e6}, {"max_us", timing.most * 1e6}};
}

Json toJson(const ModelBenchRow& row, double ceiling)
{
    const auto rate = [](const Timing& timing) { return orNull(timing.median > 0 ? 1 / timing.median : 0); };
    const double median = row.token.median > 0 ? row.token.median : row.loop.median;
    const auto read = [&](std::int64_t bytes) {
        return orNull(median > 0 ? static_cast<double>(bytes) / median / ceiling : 0);
    };
    return {{"name", row.name},
            {"plane_bytes", row.planeBytes},
            {"dense_bytes", row.denseBytes},
            {"token", toJson(row.token)},
            {"loop", toJson(row.loop)},
            {"tokens_per_second", rate(row.token)},
            {"loop_tokens_per_second", rate(row.loop)},
            {"of_ceiling", read(row.planeBytes > 0 ? row.planeBytes : row.denseBytes)},
            {"all_of_ceiling", read(row.planeBytes + row.denseBytes)},
            {"relative_error", row.error ? Json(*row.error) : Json(nullptr)},
            {"device_bytes", row.deviceBytes > 0 ? Json(row.deviceBytes) : Json(nullptr)}};
}

Result<ModelConfig> configOf(const std::string& path)
{
    const std::string file =
        std::filesystem::is_directory(path) ? (std::filesystem::path(path) / "config.json").string() : path;
    SA_TRY(const Json json, json::parseFile(file));
    return ModelConfig::parse(JsonField(json, file));
}

Result<std::vector<ModelBenchRow>> randomRows(const BenchSpec& spec, int device, const ModelBenchRequest& request,
                                              const JobContext& context)
{
    SA_TRY(RandomModel model, [&]() -> Result<RandomModel> {
        RandomModel out;
        SA_TRY(out.config, configOf(spec.config));
        return out;
    }());
    model.C = spec.geometry == "acc" ? 1 : 8;
    model.groupRows = spec.groupRows;
    std::vector<int> widths = spec.bits;
    widths.push_back(0); // float16
    ProgressMeter meter(context.emit, "bench", "models", static_cast<double>(widths.size()));
    std::vector<ModelBenchRow> rows;
    for (const int bits : widths) {
        model.bits = bits;
        auto row = randomModelBench(device, model, request, context.cancel);
        if (!row && bits == 0 && row.error().code == Errc::OutOfMemory)
            context.warn("the float16 model of this shape does not fit the device");
        else if (!row)
            return std::move(row).error();
        else
            rows.push_back(std::move(*row));
        meter.update(static_cast<double>(rows.size()));
    }
    return rows;
}

} // namespace

Result<Json> benchModel(const BenchSpec& spec, const JobContext& context)
{
    setThreads(spec.threads);
    SA_TRY(const at::Device device, parseDevice(spec.device));
    if (!spec.config.empty() && !device.is_cuda())
        return makeError(Errc::Unsupported, "models of random weights are measured on CUDA devices only")
            .at("spec.device")
            .butFound(spec.device)
            .wanted("cuda:0");
    ShapeBenchRequest nothing;
    nothing.repeats = spec.repeats;
    SA_TRY(const ShapeBench machine, device.is_cuda() ? gpuShapeBench(device.index(), nothing, context.cancel)
                                                      : cpuShapeBench(nothing, spec.threads, nullptr, context.cancel));
    ModelBenchRequest request;
    request.context = spec.context;
    request.decode = spec.decode;
    request.repeats = spec.repeats;
    request.seed = spec.seed;
    std::vector<ModelBenchRow> rows;
    Json geometry = spec.geometry;
    if (!spec.config.empty()) {
        SA_TRY(rows, randomRows(spec, device.index(), request, context));
    } else {
        SA_TRY(const ModelFolder folder, ModelFolder::open(spec.model));
        geometry = folder.quantization ? Json(folder.quantization->mode) : Json(nullptr);
        SA_TRY(const Decoder decoder, Decoder::load(folder, device, context.cancel, {}, planesOf(spec.cpuPrecision)));
        SA_TRY(rows, decoderBench(decoder, request, context.cancel));
    }
    Json models = Json::array();
    for (const ModelBenchRow& row : rows)
        models.push_back(toJson(row, machine.readCeiling));
    return Json{{"device", machine.device},
                {"read_ceiling", machine.readCeiling},
                {"clock_mhz", machine.clockMHz > 0 ? Json(machine.clockMHz) : Json(nullptr)},
                {"model", spec.config.empty() ? spec.model : spec.config},
                {"geometry", geometry},
                {"context", spec.context},
                {"decode", spec.decode},
                {"repeats", spec.repeats},
                {"seed", spec.seed},
                {"models", models}};
}

} // namespace sa
