// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/quantize_input.h"

#include "core/base/resources.h"
#include "core/base/sha256.h"
#include "core/engine/estimates.h"
#include "core/engine/source_digests.h"
#include "core/eval/text.h"

namespace sa
{

Result<ModelFolder> openOriginal(const std::string& folder, const JobContext& context)
{
    SA_TRY(ModelFolder model, ModelFolder::open(folder));
    if (model.packed())
        return makeError(Errc::BadInput, "this model is packed already")
            .in(folder)
            .wanted("an original model with dense weights")
            .tryThis("Quantize the original instead");
    for (const auto& warning : model.warnings)
        context.warn(warning);
    return model;
}

Result<CalibrationText> readCalibration(const QuantizeSpec& spec, const ModelFolder& model, const JobContext& context)
{
    std::vector<std::string> paths = spec.calibration;
    if (paths.empty()) {
        paths.push_back(resourcePath("sample-text/calibration.txt"));
        if (paths.back().empty())
            return makeError(Errc::NotFound, "the bundled calibration text is not installed")
                .tryThis("Give a text file with --calibration");
        context.warn("no calibration text given: using the bundled excerpt of English Wikipedia");
    }
    SA_TRY(const Tokenizer tokenizer, Tokenizer::open(model.path));
    CalibrationText out;
    Json digests = Json::array();
    std::string text;
    for (const auto& path : paths) {
        SA_TRY(const std::string part, readText(path));
        digests.push_back(sha256Of(part));
        if (!text.empty())
            text += "\n\n";
        text += part;
    }
    const int length = calibrationWindow(spec, model.config);
    if (length > model.config.positions)
        return makeError(Errc::Usage, "the calibration window is longer than the model's context")
            .at("seqlen")
            .butFound(std::to_string(length))
            .wanted("at most " + std::to_string(model.config.positions));
    SA_CHECK(context.cancel.check());
    const auto ids = tokenizer.encode(text, true, &context.cancel);
    SA_CHECK(context.cancel.check());
    SA_CHECK(model.config.checkIds(ids));
    auto windows = sampleWindows(ids, spec.samples, length, spec.seed);
    if (!windows)
        return std::move(windows).error().in(paths.front());
    out.windows = *std::move(windows);
    out.record = {{"sha256", digests},
                  {"samples", spec.samples},
                  {"seqlen", length},
                  {"seed", spec.seed},
                  {"tokens", ids.size()}};
    return out;
}

Result<QuantizationInfo> describeOriginal(const ModelFolder& model, const JobContext& context)
{
    QuantizationInfo info;
    info.originalBytes = model.store.totalBytes();
    info.originalDtype = name((*model.store.find(linearLayers(model.config).front().name + ".weight"))->dtype);
    SA_TRY(info.source, hashSource(model, context));
    return info;
}

} // namespace sa
