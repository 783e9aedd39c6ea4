// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/alloc/json_fields.h"
#include "core/base/atomic_file.h"

#include <set>

namespace sa
{

namespace
{

constexpr const char* kFormat = "shiftadd-sensitivity";
constexpr double kMaxFigure = 1e200; ///< sums over all linears stay finite
constexpr std::size_t kMaxBins = 100'000;

Json toJson(const Figure& figure)
{
    if (figure.provenance == Provenance::Missing)
        return nullptr;
    if (!figure.known())
        return {{"is", name(Provenance::Failed)}};
    return {{"value", figure.value}, {"is", name(figure.provenance)}};
}

/// Absent or null: missing.
Result<Figure> figureAt(const JsonField& object, const std::string& key, double min)
{
    Figure out;
    const auto field = object.find(key);
    if (!field)
        return out;
    SA_CHECK(refuseUnknownMembers(*field, {"value", "is"}));
    SA_TRY(const JsonField is, field->at("is"));
    SA_TRY(const std::string text, is.asString());
    const auto provenance = provenanceFromName(text);
    if (!provenance || *provenance == Provenance::Missing)
        return is.wrong("estimated, measured, stale or failed");
    out.provenance = *provenance;
    if (out.provenance == Provenance::Failed)
        return out;
    SA_TRY(const JsonField value, field->at("value"));
    SA_TRY(out.value, value.asDouble(min, kMaxFigure));
    return out;
}

Result<std::vector<std::uint64_t>> countsAt(const JsonField& object)
{
    SA_TRY(const JsonField field, object.at("counts"));
    SA_TRY(const auto elements, field.elements(kMaxBins));
    std::vector<std::uint64_t> out;
    for (const JsonField& element : elements) {
        SA_TRY(const std::int64_t count, element.asInt(0, kMaxStoredBytes));
        out.push_back(static_cast<std::uint64_t>(count));
    }
    return out;
}

Json toJson(const TensorDetail& detail)
{
    Json outliers = Json::array();
    for (const auto& outlier : detail.outliers)
        outliers.push_back({{"channel", outlier.channel},
                            {"ratio", outlier.ratio},
                            {"input_rms", outlier.inputRms},
                            {"column_norm", outlier.columnNorm}});
    return {{"mean", detail.mean},
            {"deviation", detail.deviation},
            {"min", detail.min},
            {"max", detail.max},
            {"histogram",
             {{"low", detail.histogram.low}, {"high", detail.histogram.high}, {"counts", detail.histogram.counts}}},
            {"outliers", std::move(outliers)},
            {"plane_residual", detail.planeResidual},
            {"exponents", {{"first", detail.exponents.first}, {"counts", detail.exponents.counts}}}};
}

Result<TensorDetail> detailFrom(const JsonField& field, std::int64_t K)
{
    SA_CHECK(refuseUnknownMembers(
        field, {"mean", "deviation", "min", "max", "histogram", "outliers", "plane_residual", "exponents"}));
    const auto number = [](const JsonField& object, const char* key) {
        return object.doubleOr(key, 0.0, -kMaxFigure, kMaxFigure);
    };
    TensorDetail out;
    SA_TRY(out.mean, number(field, "mean"));
    SA_TRY(out.deviation, number(field, "deviation"));
    SA_TRY(out.min, number(field, "min"));
    SA_TRY(out.max, number(field, "max"));
    if (const auto histogram = field.find("histogram")) {
        SA_CHECK(refuseUnknownMembers(*histogram, {"low", "high", "counts"}));
        SA_TRY(out.histogram.low, number(*histogram, "low"));
        SA_TRY(out.histogram.high, number(*histogram, "high"));
        SA_TRY(out.histogram.counts, countsAt(*histogram));
    }
    if (const auto outliers = field.find("outliers")) {
        SA_TRY(const auto elements, outliers->elements(kMaxBins));
        for (const JsonField& element : elements) {
            SA_CHECK(refuseUnknownMembers(element, {"channel", "ratio", "input_rms", "column_norm"}));
            TensorDetail::OutlierChannel outlier;
            SA_TRY(outlier.channel, element.intAt("channel", 0, K - 1));
            SA_TRY(outlier.ratio, number(element, "ratio"));
            SA_TRY(outlier.inputRms, number(element, "input_rms"));
            SA_TRY(outlier.columnNorm, number(element, "column_norm"));
            out.outliers.push_back(outlier);
        }
    }
    if (const auto residual = field.find("plane_residual")) {
        SA_TRY(const auto elements, residual->elements(64));
        for (const JsonField& element : elements) {
            SA_TRY(const double value, element.asDouble(0, kMaxFigure));
            out.planeResidual.push_back(value);
        }
    }
    if (const auto exponents = field.find("exponents")) {
        SA_CHECK(refuseUnknownMembers(*exponents, {"first", "counts"}));
        SA_TRY(const std::int64_t first, exponents->intOr("first", 0, -100'000, 100'000));
        out.exponents.first = static_cast<int>(first);
        SA_TRY(out.exponents.counts, countsAt(*exponents));
    }
    return out;
}

Result<Choice> choiceFrom(const JsonField& field)
{
    SA_CHECK(refuseUnknownMembers(field, {"bits", "bytes", "error", "damage"}));
    Choice out;
    SA_TRY(const JsonField bits, field.at("bits"));
    SA_TRY(out.bits, bitsFrom(bits));
    SA_TRY(const std::int64_t bytes, field.intAt("bytes", 0, kMaxStoredBytes));
    out.bytes = static_cast<std::uint64_t>(bytes);
    SA_TRY(out.error, figureAt(field, "error", 0));
    SA_TRY(out.damage, figureAt(field, "damage", -kMaxFigure)); // a divergence of nothing may round below 0
    return out;
}

Result<Sensitivity::Calibration> calibrationFrom(const JsonField& field)
{
    SA_CHECK(refuseUnknownMembers(field, {"sha256", "samples", "seqlen", "seed"}));
    Sensitivity::Calibration out;
    SA_TRY(const JsonField digests, field.at("sha256"));
    SA_TRY(const auto elements, digests.elements(10'000));
    for (const JsonField& element : elements) {
        SA_TRY(std::string digest, sha256Text(element));
        out.sha256.push_back(std::move(digest));
    }
    SA_TRY(const std::int64_t samples, field.intAt("samples", 0, 2'147'483'647));
    SA_TRY(const std::int64_t seqlen, field.intAt("seqlen", 0, 2'147'483'647));
    out.samples = static_cast<int>(samples);
    out.seqlen = static_cast<int>(seqlen);
    SA_TRY(out.seed, unsignedAt(field, "seed"));
    return out;
}

/// What the sums of the allocator rely on.
Result<void> checkTotals(const Sensitivity& s, const std::string& file)
{
    constexpr auto kMax = static_cast<std::uint64_t>(kMaxStoredBytes);
    std::set<std::string> names;
    std::uint64_t bytes = s.otherBytes, weights = 0;
    for (std::size_t i = 0; i < s.linears.size(); ++i) {
        const LinearSensitivity& linear = s.linears[i];
        const std::string where = "linears[" + std::to_string(i) + "]";
        if (!names.insert(linear.name).second)
            return makeError(Errc::BadFormat, "a linear layer occurs twice")
                .in(file)
                .at(where + ".name")
                .butFound(linear.name);
        std::uint64_t most = 0;
        for (const Choice& choice : linear.choices)
            most = std::max(most, choice.bytes);
        if (most > kMax - bytes || linear.weights() > kMax - weights)
            return makeError(Errc::BadFormat, "the sizes sum to more than any model has").in(file).at(where);
        bytes += most;
        weights += linear.weights();
    }
    return {};
}

} // namespace

Json toJson(const LinearSensitivity& linear, bool withDetail)
{
    Json choices = Json::array();
    for (const Choice& choice : linear.choices)
        choices.push_back({{"bits", choice.bits},
                           {"bytes", choice.bytes},
                           {"error", toJson(choice.error)},
                           {"damage", toJson(choice.damage)}});
    Json out{{"name", linear.name},
             {"projection", linear.projection},
             {"input", linear.input},
             {"block", linear.block},
             {"index", linear.index},
             {"N", linear.N},
             {"K", linear.K},
             {"weight_score", toJson(linear.weightScore)},
             {"criterion", toJson(linear.criterion)},
             {"choices", std::move(choices)}};
    if (!linear.problem.empty())
        out["problem"] = linear.problem;
    if (withDetail && linear.detail)
        out["detail"] = toJson(*linear.detail);
    return out;
}

Json toJson(const Sensitivity& s, bool withDetail)
{
    Json linears = Json::array();
    for (const LinearSensitivity& linear : s.linears)
        linears.push_back(toJson(linear, withDetail));
    return {{"format", kFormat},
            {"version", Sensitivity::kVersion},
            {"model", toJson(s.model)},
            {"calibration",
             {{"sha256", s.calibration.sha256},
              {"samples", s.calibration.samples},
              {"seqlen", s.calibration.seqlen},
              {"seed", s.calibration.seed}}},
            {"settings", s.settings},
            {"forward_passes", s.forwardPasses},
            {"tokens", s.tokens},
            {"other_bytes", s.otherBytes},
            {"linears", std::move(linears)}};
}

Result<LinearSensitivity> linearSensitivityFromJson(const JsonField& field)
{
    SA_CHECK(refuseUnknownMembers(field, {"name", "projection", "input", "block", "index", "N", "K", "weight_score",
                                          "criterion", "choices", "problem", "detail"}));
    LinearSensitivity out;
    SA_TRY(const JsonField linear, field.at("name"));
    SA_TRY(out.name, linearName(linear));
    SA_TRY(const JsonField projection, field.at("projection"));
    SA_TRY(out.projection, linearName(projection));
    SA_TRY(out.input, field.stringOr("input", ""));
    SA_TRY(const std::int64_t block, field.intAt("block", 0, 1'000'000));
    SA_TRY(const std::int64_t index, field.intAt("index", 0, 1'000'000));
    out.block = static_cast<int>(block);
    out.index = static_cast<int>(index);
    SA_TRY(out.N, field.intAt("N", 1, 2'147'483'647));
    SA_TRY(out.K, field.intAt("K", 1, 2'147'483'647));
    SA_TRY(out.weightScore, figureAt(field, "weight_score", 0));
    SA_TRY(out.criterion, figureAt(field, "criterion", 0));
    SA_TRY(const JsonField choices, field.at("choices"));
    SA_TRY(const auto elements, choices.elements(5));
    if (elements.empty())
        return choices.wrong("at least one choice");
    for (const JsonField& element : elements) {
        SA_TRY(Choice choice, choiceFrom(element));
        if (!out.choices.empty() && choice.bits <= out.choices.back().bits)
            return element.wrong("more bits than the choice before it has");
        out.choices.push_back(std::move(choice));
    }
    SA_TRY(out.problem, field.stringOr("problem", ""));
    if (const auto detail = field.find("detail")) {
        SA_TRY(out.detail, detailFrom(*detail, out.K));
    }
    return out;
}

Result<Sensitivity> sensitivityFromJson(const JsonField& field)
{
    SA_CHECK(checkFormat(field, kFormat, Sensitivity::kVersion));
    SA_CHECK(refuseUnknownMembers(field, {"format", "version", "model", "calibration", "settings", "forward_passes",
                                          "tokens", "other_bytes", "linears"}));
    Sensitivity out;
    SA_TRY(const JsonField model, field.at("model"));
    SA_TRY(out.model, modelFrom(model));
    SA_TRY(const JsonField calibration, field.at("calibration"));
    SA_TRY(out.calibration, calibrationFrom(calibration));
    SA_TRY(const JsonField settings, field.at("settings"));
    if (!settings.isObject())
        return settings.wrong("an object");
    out.settings = settings.raw();
    SA_TRY(out.forwardPasses, field.intAt("forward_passes", 0, kMaxStoredBytes));
    SA_TRY(out.tokens, field.intAt("tokens", 0, kMaxStoredBytes));
    SA_TRY(const std::int64_t otherBytes, field.intAt("other_bytes", 0, kMaxStoredBytes));
    out.otherBytes = static_cast<std::uint64_t>(otherBytes);
    SA_TRY(const JsonField linears, field.at("linears"));
    SA_TRY(const auto elements, linears.elements(kMaxLinears));
    if (elements.empty())
        return linears.wrong("at least one linear layer");
    for (const JsonField& element : elements) {
        SA_TRY(LinearSensitivity linear, linearSensitivityFromJson(element));
        out.linears.push_back(std::move(linear));
    }
    SA_CHECK(checkTotals(out, field.file()));
    return out;
}

Result<Sensitivity> readSensitivity(const std::string& path)
{
    SA_TRY(const Json file, json::parseFile(path));
    return sensitivityFromJson(JsonField(file, path));
}

Result<void> writeSensitivity(const std::string& path, const Sensitivity& sensitivity)
{
    return writeFileAtomic(path, json::dumpPretty(toJson(sensitivity)));
}

} // namespace sa
