// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/bit_plan.h"

#include "core/engine/sensitivity_cache.h"
#include "core/protocol/recipe.h"

#include <set>

namespace sa
{

namespace
{

Error notForThisModel(const QuantizeSpec& spec, const std::string& field)
{
    return makeError(Errc::BadInput, "the plan was made for another model")
        .in(spec.plan)
        .at(field)
        .tryThis("Analyze this model and allocate anew");
}

} // namespace

Result<BitPlan> readBitPlan(const QuantizeSpec& spec, const ModelFolder& model)
{
    BitPlan out;
    const auto layers = linearLayers(model.config);
    if (spec.plan.empty()) {
        out.bits = spec.bits;
        for (const auto& layer : layers)
            out.widths[layer.name] = spec.bits;
        return out;
    }
    SA_TRY(out.plan, readPlan(spec.plan));
    const Plan& plan = *out.plan;
    const bool namesModel = !plan.model.architecture.empty(); // one written by hand need not
    if (namesModel && plan.model.architecture != model.config.architecture)
        return notForThisModel(spec, "model.architecture")
            .butFound(display(plan.model.architecture))
            .wanted(model.config.architecture);
    std::set<std::string> names;
    std::set<int> used;
    for (const auto& layer : layers) {
        names.insert(layer.name);
        const auto place = plan.bits.find(layer.name);
        if (place == plan.bits.end())
            return notForThisModel(spec, "layers." + layer.name).butFound("nothing").wanted("the bits of this layer");
        used.insert(place->second);
        if (place->second != kKeptBits)
            out.widths[layer.name] = place->second;
    }
    for (const auto& [layer, bits] : plan.bits)
        if (!names.contains(layer))
            return notForThisModel(spec, "layers." + display(layer)).butFound("a layer that the model does not have");
    if (out.widths.empty())
        return makeError(Errc::BadInput, "the plan keeps every layer as it is: there is nothing to quantize")
            .in(spec.plan);
    out.bits = used.size() == 1 ? *used.begin() : 0;
    return out;
}

Result<void> checkPlanIsFor(const BitPlan& plan, const QuantizeSpec& spec, const Json& source,
                            const JobContext& context)
{
    if (!plan.plan || plan.plan->model.weightsSha256.empty())
        return {};
    const Json wanted = source.at("weights_sha256"), found = plan.plan->model.weightsSha256;
    for (const auto& [file, digest] : wanted.items())
        if (const auto place = found.find(file); place == found.end() || *place != digest)
            return notForThisModel(spec, "model.weights_sha256." + display(file))
                .butFound(place == found.end() ? "nothing" : display(place->get<std::string>()))
                .wanted(digest.get<std::string>());
    for (const auto& [file, digest] : found.items())
        if (!wanted.contains(file))
            return notForThisModel(spec, "model.weights_sha256." + display(file)).butFound("a file that is not there");
    const Json recipe = recipeOf(spec);
    std::string others;
    for (const char* setting : kQuantizerSettings)
        if (plan.plan->settings.contains(setting) && plan.plan->settings[setting] != recipe[setting])
            others += (others.empty() ? "" : ", ") + std::string(setting);
    if (!others.empty())
        context.warn("the plan was made with other settings (" + others +
                     "): sizes and errors may differ from what it says");
    return {};
}

} // namespace sa
