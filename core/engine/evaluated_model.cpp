// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/resources.h"
#include "core/engine/evaluation.h"
#include "core/engine/model_identity.h"
#include "core/engine/progress.h"
#include "core/model/tensors.h"

#include <cmath>

namespace sa
{

EvaluatedModel::EvaluatedModel(ModelFolder folder, Tokenizer tokenizer, Json identity, at::Device device,
                               PackedForm form, const JobContext& context)
    : m_folder(std::make_unique<ModelFolder>(std::move(folder)))
    , m_tokenizer(std::move(tokenizer))
    , m_identity(std::move(identity))
    , m_device(device)
    , m_form(form)
    , m_context(&context)
{
}

Result<EvaluatedModel> EvaluatedModel::open(const std::string& path, const EvaluateSpec& spec,
                                            const JobContext& context)
{
    setThreads(spec.threads);
    SA_TRY(const at::Device device, parseDevice(spec.device));
    SA_TRY(ModelFolder folder, ModelFolder::open(path));
    for (const auto& warning : folder.warnings)
        context.warn(warning);
    SA_TRY(Tokenizer tokenizer, Tokenizer::open(path));
    Json identity;
    if (cacheFolder(spec)) {
        SA_TRY(identity, modelIdentity(folder, context));
    }
    return EvaluatedModel(std::move(folder), std::move(tokenizer), std::move(identity), device,
                          planesOf(spec.cpuPrecision, PackedForm::EveryTokenFast), context);
}

Result<const Decoder*> EvaluatedModel::decoder()
{
    if (!m_decoder) {
        ProgressMeter meter(m_context->emit, "open", "blocks", static_cast<double>(config().layers));
        const auto progress = [&](int done, int) { meter.update(done); };
        SA_TRY(Decoder loaded, Decoder::load(*m_folder, m_device, m_context->cancel, progress, m_form));
        m_decoder = std::make_unique<Decoder>(std::move(loaded));
    }
    return m_decoder.get();
}

Result<const Decoder*> EvaluatedModel::halfDecoder()
{
    SA_CHECK(decoder());
    m_decoder->roundToHalf();
    return m_decoder.get();
}

const char* arithmeticOf(const EvaluateSpec& spec)
{
    if (spec.device != "cpu")
        return "cuda";
    return planesOf(spec.cpuPrecision) == PackedForm::FastPlanes ? "cpu, fast" : "cpu";
}

std::optional<std::string> cacheFolder(const EvaluateSpec& spec)
{
    return spec.cache ? userCacheFolder() : std::nullopt;
}

Json finiteOrNull(double value)
{
    return std::isfinite(value) ? Json(value) : Json();
}

} // namespace sa
