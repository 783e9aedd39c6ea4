// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/alloc/sensitivity.h"

#include "core/base/sha256.h"

#include <algorithm>
#include <iterator>

namespace sa
{

namespace
{

constexpr std::pair<Provenance, const char*> kProvenances[] = {{Provenance::Missing, "missing"},
                                                               {Provenance::Estimated, "estimated"},
                                                               {Provenance::Measured, "measured"},
                                                               {Provenance::Stale, "stale"},
                                                               {Provenance::Failed, "failed"}};

/// A field of a CSV row; quoted where it must be.
std::string csvText(const std::string& text)
{
    if (text.find_first_of(",\"\r\n") == std::string::npos)
        return text;
    std::string out = "\"";
    for (const char c : text) {
        out += c;
        if (c == '"')
            out += c;
    }
    return out + "\"";
}

std::string csvFigure(const Figure& figure)
{
    const std::string value = figure.known() ? json::dump(Json(figure.value)) : "";
    return value + "," + name(figure.provenance);
}

} // namespace

const char* name(Provenance provenance) noexcept
{
    for (const auto& [value, text] : kProvenances)
        if (value == provenance)
            return text;
    return "missing";
}

std::optional<Provenance> provenanceFromName(const std::string& text)
{
    for (const auto& [value, known] : kProvenances)
        if (text == known)
            return value;
    return std::nullopt;
}

const Choice* LinearSensitivity::choice(int bits) const
{
    const auto at = std::find_if(choices.begin(), choices.end(), [&](const Choice& c) { return c.bits == bits; });
    return at == choices.end() ? nullptr : &*at;
}

double relativeErrorAt(int bits) noexcept
{
    // Least mean square error of +-a1 +-a2 ... on a normal value of variance 1, by alternating fit to convergence.
    constexpr double kErrors[] = {1.0, 0.363380, 0.117482, 0.036943, 0.011411};
    return bits >= 0 && bits < static_cast<int>(std::size(kErrors)) ? kErrors[bits] : 0.0;
}

std::uint64_t Sensitivity::weights() const
{
    std::uint64_t sum = 0;
    for (const LinearSensitivity& linear : linears)
        sum += linear.weights();
    return sum;
}

const LinearSensitivity* Sensitivity::find(const std::string& linear) const
{
    const auto at =
        std::find_if(linears.begin(), linears.end(), [&](const auto& known) { return known.name == linear; });
    return at == linears.end() ? nullptr : &*at;
}

std::string identityOf(const Sensitivity& sensitivity)
{
    Json content = toJson(sensitivity, false);
    content.at("model").erase("name"); // where a folder lies changes nothing
    for (Json& linear : content.at("linears"))
        linear.erase("problem");
    return sha256Of(json::dump(content));
}

std::string sensitivityCsv(const Sensitivity& sensitivity)
{
    std::string out = "name,block,index,projection,input,N,K,weight_score,weight_score_is,criterion,criterion_is,bits,"
                      "bytes,error,error_is,damage,damage_is\r\n";
    for (const LinearSensitivity& linear : sensitivity.linears)
        for (const Choice& choice : linear.choices)
            out += csvText(linear.name) + "," + std::to_string(linear.block) + "," + std::to_string(linear.index) +
                   "," + csvText(linear.projection) + "," + csvText(linear.input) + "," + std::to_string(linear.N) +
                   "," + std::to_string(linear.K) + "," + csvFigure(linear.weightScore) + "," +
                   csvFigure(linear.criterion) + "," + std::to_string(choice.bits) + "," +
                   std::to_string(choice.bytes) + "," + csvFigure(choice.error) + "," + csvFigure(choice.damage) +
                   "\r\n";
    return out;
}

} // namespace sa
