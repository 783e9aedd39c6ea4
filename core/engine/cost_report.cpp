// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/cost_report.h"

#include "core/engine/estimates.h"

#include <algorithm>

namespace sa
{

namespace
{

constexpr int kDefaultContext = 2048; ///< the paper's window

/// Powers of two in a scale: the recipe's, or as many as a packed scale can hold.
int scaleTerms(const QuantizationInfo& quantization)
{
    if (quantization.recipe.is_object())
        if (const auto apot = quantization.recipe.find("apot");
            apot != quantization.recipe.end() && apot->is_number_integer())
            return static_cast<int>(std::clamp<std::int64_t>(apot->get<std::int64_t>(), 1, kernels::kMaxApotTerms));
    return kernels::kMaxApotTerms;
}

Json countsOf(const Operations& operations)
{
    return {{"multiplies", operations.multiplies},
            {"adds", operations.adds},
            {"shifts", operations.shifts},
            {"lookups", operations.lookups}};
}

} // namespace

Result<CostReport> CostReport::create(const ModelFolder& model, const QuantizationInfo* quantization,
                                      const CostOptions& options)
{
    CostReport out;
    out.m_table = options.energy;
    out.m_arithmeticBits = arithmeticBits(model);
    SA_TRY(out.m_units, unitEnergy(options.energy, out.m_arithmeticBits));
    const std::int64_t positions = model.config.positions;
    out.m_context = options.context ? *options.context : std::min<std::int64_t>(kDefaultContext, positions);
    if (out.m_context > positions)
        return makeError(Errc::Usage, "the context is longer than the model's")
            .at("context")
            .butFound(std::to_string(out.m_context))
            .wanted("at most " + std::to_string(positions));
    const auto add = [&](const std::string& name, const std::map<std::string, PackedLayerInfo>& planes, int terms,
                         bool byteHead = false) {
        out.m_variants.push_back({name, tokenCost(model, planes, terms, out.m_context, byteHead)});
    };
    add("original", {}, 0);
    out.m_packed = quantization != nullptr;
    if (quantization) {
        add("packed", quantization->layers, scaleTerms(*quantization), quantization->byteHead.has_value());
        return out;
    }
    QuantizeSpec planned;
    for (planned.bits = 2; planned.bits <= 4; ++planned.bits)
        add(std::to_string(planned.bits) + " bits", plannedLayers(model, planned), planned.apot);
    return out;
}

Json CostReport::toJson(const Cost& cost) const
{
    Json out = countsOf(cost.operations);
    out["weight_bytes"] = cost.bytes.weights;
    out["scale_bytes"] = cost.bytes.scales;
    out["activation_bytes"] = cost.bytes.activations;
    out["cache_bytes"] = cost.bytes.cache;
    out["bytes"] = cost.bytes.total();
    out["microjoules"] = 1e-6 * m_units.picojoules(cost);
    return out;
}

Json CostReport::toJson(const Variant& variant) const
{
    const Cost layers = variant.cost.inLayers();
    Cost total = layers;
    total += variant.cost.around();
    return {{"name", variant.name},
            {"layers", toJson(layers)},
            {"kernel", countsOf(variant.cost.kernelInLayers())},
            {"total", toJson(total)}};
}

Json CostReport::summary() const
{
    Json variants = Json::array(), parts = Json::array();
    for (const Variant& variant : m_variants)
        variants.push_back(toJson(variant));
    const Variant& own = m_packed ? m_variants.back() : m_variants.front(); // the head may be packed, too
    for (const PartCost& part : own.cost.parts) {
        parts.push_back(toJson(part.cost));
        parts.back()["name"] = part.name;
    }
    return {{"context", m_context},
            {"arithmetic_bits", m_arithmeticBits},
            {"energy", m_table},
            {"units_pj",
             {{"memory_byte", m_units.memoryByte},
              {"multiply", m_units.multiply},
              {"add", m_units.add},
              {"shift", m_units.shift},
              {"lookup", m_units.lookup}}},
            {"variants", variants},
            {"parts", parts}};
}

Json CostReport::ofFolder() const
{
    const Json total = toJson(m_packed ? m_variants.back() : m_variants.front()).at("total");
    return {{"context", m_context},
            {"energy", m_table},
            {"bytes", total.at("bytes")},
            {"microjoules", total.at("microjoules")}};
}

Json CostReport::ofLayer(std::size_t index) const
{
    Json out{{"original", toJson(m_variants.front().cost.layers[index].cost)}};
    if (m_packed)
        out["packed"] = toJson(m_variants.back().cost.layers[index].cost);
    return out;
}

} // namespace sa
