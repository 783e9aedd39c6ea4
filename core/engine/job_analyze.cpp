// SPDX-License-Identifier: GPL-3.0-or-later
// `analyze`: what the weights say, then what the real quantizer does to each layer, then what that does to the model.
// Each stage covers all layers before the next begins, so that there is a whole picture early.
#include "core/base/atomic_file.h"
#include "core/engine/analysis.h"
#include "core/engine/quantize_input.h"
#include "core/engine/source_digests.h"
#include "core/model/tensors.h"

#include <algorithm>
#include <filesystem>

namespace sa
{

namespace
{

Result<Json> resultOf(const Analysis& analysis, const AnalyzeSpec& spec, const std::string& file, bool cached,
                      double seconds)
{
    const Sensitivity& all = analysis.sensitivity();
    if (!spec.csv.empty())
        SA_CHECK(writeFileAtomic(spec.csv, sensitivityCsv(all)));
    std::size_t measured = 0;
    for (const auto& linear : all.linears)
        for (const auto& choice : linear.choices)
            measured += choice.bits != kKeptBits && choice.damage.provenance == Provenance::Measured ? 1 : 0;
    return Json{{"sensitivity_file", file.empty() ? Json() : Json(file)},
                {"seconds", seconds},
                {"cached", cached},
                {"linears", all.linears.size()},
                {"measured", measured},
                {"failed", analysis.failed()},
                {"forward_passes", all.forwardPasses},
                {"tokens", all.tokens}};
}

/// Whether there is an earlier analysis of a model with this configuration: the digests of all weights, which take long
/// where models are large, are worth having only then.
Result<bool> mayBeKnown(const ModelFolder& model, const CancelToken& cancel)
{
    const auto analyses = SensitivityCache::all();
    if (analyses.empty())
        return false;
    SA_TRY(const std::string config, configDigest(model, cancel));
    return std::any_of(analyses.begin(), analyses.end(), [&](const SensitivityCache& analysis) {
        const Json source = analysis.identity().value("source", Json());
        return source.is_object() && source.value("config_sha256", Json()) == config;
    });
}

/// Nothing is made in the cache folder.
Result<void> recall(Analysis& analysis, const AnalyzeSpec& spec, const ModelFolder& model, at::Device device,
                    const JobContext& context)
{
    if (!spec.cache)
        return {};
    SA_TRY(const bool known, mayBeKnown(model, context.cancel));
    if (!known)
        return {};
    SA_TRY(const QuantizationInfo original, describeOriginal(model, context));
    const EventSink silent = [](const Json&) {}; // what it would warn of is no news before anything is measured
    const auto text = splitCalibration(spec, spec.downstreamSamples, model, {silent, context.cancel});
    SA_CHECK(context.cancel.check());
    analysis.recall(original, text ? &*text : nullptr, device);
    return {};
}

} // namespace

Result<Json> analyzeModel(const AnalyzeSpec& spec, const JobContext& context)
{
    const Stopwatch watch;
    setThreads(spec.threads);
    SA_TRY(const at::Device device, parseDevice(spec.device));
    SA_TRY(const ModelFolder model, openOriginal(spec.model, context));
    Analysis analysis(model, spec, context);
    SA_CHECK(analysis.score());
    std::string file = spec.saveTo;
    if (!spec.measure) {
        SA_CHECK(recall(analysis, spec, model, device, context));
        if (!file.empty())
            SA_CHECK(writeSensitivity(file, analysis.sensitivity()));
        return resultOf(analysis, spec, file, false, watch.seconds());
    }

    SA_TRY(SplitCalibration text, splitCalibration(spec, spec.downstreamSamples, model, context));
    SA_TRY(const QuantizationInfo original, describeOriginal(model, context));
    analysis.describe(original, text, device);
    const bool cached = analysis.complete();
    if (!cached) {
        const std::string scratch =
            analysis.cache() ? analysis.cache()->folder() : std::filesystem::temp_directory_path().string();
        SA_TRY(PlaneSpill spill, PlaneSpill::create(scratch));
        SA_CHECK(analysis.measureErrors(text.calibration.windows, device, spill));
        SA_CHECK(analysis.measureDamages(std::move(text.held), device, spill));
    }
    if (analysis.cache()) {
        SA_CHECK(writeSensitivity(analysis.cache()->wholePath(), analysis.sensitivity()));
        file = file.empty() ? analysis.cache()->wholePath() : file;
    }
    if (!spec.saveTo.empty())
        SA_CHECK(writeSensitivity(spec.saveTo, analysis.sensitivity()));
    return resultOf(analysis, spec, file, cached, watch.seconds());
}

} // namespace sa
