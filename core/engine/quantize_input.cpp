// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/quantize_input.h"

#include "core/base/resources.h"
#include "core/base/sha256.h"
#include "core/engine/estimates.h"
#include "core/engine/source_digests.h"
#include "core/eval/text.h"

#include <algorithm>

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

namespace
{

/// The calibration text as tokens.
struct CalibrationTokens {
    std::string firstFile;
    std::vector<std::int32_t> ids;
    int length = 0; ///< of a window
    Json record;    ///< CalibrationText::record
};

Result<CalibrationTokens> readTokens(const QuantizerOptions& options, const ModelFolder& model,
                                     const JobContext& context)
{
    std::vector<std::string> paths = options.calibration;
    if (paths.empty()) {
        paths.push_back(resourcePath("sample-text/calibration.txt"));
        if (paths.back().empty())
            return makeError(Errc::NotFound, "the bundled calibration text is not installed")
                .tryThis("Give a text file with --calibration");
        context.warn("no calibration text given: using the bundled excerpt of English Wikipedia");
    }
    SA_TRY(const Tokenizer tokenizer, Tokenizer::open(model.path));
    Json digests = Json::array();
    std::string text;
    for (const auto& path : paths) {
        SA_TRY(const std::string part, readText(path));
        digests.push_back(sha256Of(part));
        if (!text.empty())
            text += "\n\n";
        text += part;
    }
    const int length = calibrationWindow(options, model.config);
    if (length > model.config.positions)
        return makeError(Errc::Usage, "the calibration window is longer than the model's context")
            .at("seqlen")
            .butFound(std::to_string(length))
            .wanted("at most " + std::to_string(model.config.positions));
    SA_CHECK(context.cancel.check());
    auto ids = tokenizer.encode(text, true, &context.cancel);
    SA_CHECK(context.cancel.check());
    SA_CHECK(model.config.checkIds(ids));
    Json record{{"sha256", digests},
                {"samples", options.samples},
                {"seqlen", length},
                {"seed", options.seed},
                {"tokens", ids.size()}};
    return CalibrationTokens{paths.front(), std::move(ids), length, std::move(record)};
}

Result<CalibrationText> drawWindows(const QuantizerOptions& options, const CalibrationTokens& tokens,
                                    const std::vector<std::int32_t>& ids)
{
    auto windows = sampleWindows(ids, options.samples, tokens.length, options.seed);
    if (!windows)
        return std::move(windows).error().in(tokens.firstFile);
    return CalibrationText{*std::move(windows), tokens.record};
}

} // namespace

Result<CalibrationText> readCalibration(const QuantizerOptions& options, const ModelFolder& model,
                                        const JobContext& context)
{
    SA_TRY(const CalibrationTokens tokens, readTokens(options, model, context));
    return drawWindows(options, tokens, tokens.ids);
}

Result<SplitCalibration> splitCalibration(const QuantizerOptions& options, int held, const ModelFolder& model,
                                          const JobContext& context)
{
    SA_TRY(const CalibrationTokens tokens, readTokens(options, model, context));
    const auto length = static_cast<std::size_t>(tokens.length), size = tokens.ids.size();
    const std::size_t count = std::min(static_cast<std::size_t>(held), std::max<std::size_t>(1, size / 4 / length));
    SplitCalibration out;
    std::vector<std::int32_t> rest; // what the held windows leave
    std::size_t kept = 0;
    for (std::size_t i = 0; i < count && length <= size; ++i) {
        const std::size_t begin = std::min(i * (size / count), size - length);
        const auto at = [&](std::size_t position) {
            return tokens.ids.begin() + static_cast<std::ptrdiff_t>(position);
        };
        out.held.emplace_back(at(begin), at(begin + length));
        rest.insert(rest.end(), at(kept), at(begin));
        kept = begin + length;
    }
    rest.insert(rest.end(), tokens.ids.begin() + static_cast<std::ptrdiff_t>(kept), tokens.ids.end());
    const bool spare = rest.size() > length;
    if (!spare)
        context.warn("the calibration text is too short to hold windows out of it: damage is measured on text that the "
                     "quantizer has seen");
    SA_TRY(out.calibration, drawWindows(options, tokens, spare ? rest : tokens.ids));
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
