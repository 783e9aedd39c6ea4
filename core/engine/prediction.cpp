// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/prediction.h"

#include "core/engine/sensitivity_cache.h"

#include <algorithm>
#include <cmath>

namespace sa
{

namespace
{

/// Of the same weights, and by the same quantizer as far as the recipe tells.
bool isOf(const QuantizationInfo& info, const Json& analysis)
{
    if (!analysis.contains("source") || !analysis.contains("settings"))
        return false;
    const Json &source = analysis["source"], &settings = analysis["settings"];
    if (!source.is_object() || !settings.is_object() ||
        source.value("weights_sha256", Json()) != info.source.at("weights_sha256"))
        return false;
    return std::all_of(std::begin(kQuantizerSettings), std::end(kQuantizerSettings), [&](const char* setting) {
        return settings.value(setting, Json()) == info.recipe.value(setting, Json());
    });
}

} // namespace

std::optional<double> kendallTau(const std::vector<double>& a, const std::vector<double>& b)
{
    const auto sign = [](double difference) { return (difference > 0) - (difference < 0); };
    std::int64_t agreement = 0, pairsA = 0, pairsB = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        for (std::size_t j = i + 1; j < a.size(); ++j) {
            const int x = sign(a[i] - a[j]), y = sign(b[i] - b[j]);
            agreement += x * y;
            pairsA += x != 0 ? 1 : 0;
            pairsB += y != 0 ? 1 : 0;
        }
    if (pairsA == 0 || pairsB == 0)
        return {};
    return static_cast<double>(agreement) / std::sqrt(static_cast<double>(pairsA) * static_cast<double>(pairsB));
}

std::optional<Sensitivity> findCachedSensitivity(const QuantizationInfo& info, const std::string& identity)
{
    // Of several, the one whose calibration is most like the job's.
    const auto likeness = [&](const Sensitivity& s) {
        const Json& c = info.calibration;
        return (Json(s.calibration.sha256) == c.value("sha256", Json()) ? 4 : 0) +
               (c.value("samples", 0) == s.calibration.samples ? 2 : 0) +
               (c.value("seqlen", 0) == s.calibration.seqlen ? 1 : 0);
    };
    std::optional<Sensitivity> found;
    for (const SensitivityCache& cache : SensitivityCache::all()) {
        if (!isOf(info, cache.identity()))
            continue;
        auto sensitivity = readSensitivity(cache.wholePath());
        if (!sensitivity)
            continue;
        const bool exact = identityOf(*sensitivity) == identity;
        if (exact || !found || likeness(*sensitivity) > likeness(*found))
            found = *std::move(sensitivity);
        if (exact)
            break;
    }
    return found;
}

Json predictionOf(const QuantizationInfo& info, const Sensitivity& sensitivity, const std::string& source)
{
    Json layers = Json::array();
    std::vector<double> predicted, measured;
    for (const LinearSensitivity& linear : sensitivity.linears) {
        const auto layer = info.layers.find(linear.name);
        const Choice* choice = layer == info.layers.end() ? nullptr : linear.choice(layer->second.q);
        if (!choice || !choice->error.known())
            continue;
        predicted.push_back(choice->error.value);
        measured.push_back(layer->second.relativeError);
        layers.push_back({{"name", linear.name},
                          {"bits", choice->bits},
                          {"predicted", predicted.back()},
                          {"measured", measured.back()}});
    }
    if (layers.empty())
        return nullptr;
    const auto tau = kendallTau(predicted, measured);
    return {{"layers", std::move(layers)}, {"kendall_tau", tau ? Json(*tau) : Json()}, {"source", source}};
}

} // namespace sa
