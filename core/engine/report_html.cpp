// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/report_html.h"

#include "core/base/file.h"
#include "core/engine/html_page.h"

#include <cmath>
#include <map>

namespace sa
{

using namespace html;

namespace
{

const Json& at(const Json& value, const char* pointer)
{
    static const Json nothing;
    const nlohmann::json::json_pointer path(pointer);
    return value.contains(path) ? value.at(path) : nothing;
}

std::string interval(const Json& figure)
{
    const Json &low = at(figure, "/low"), &high = at(figure, "/high");
    std::string out = shown(at(figure, "/value"));
    if (low.is_number() && high.is_number())
        out += " <small>(" + shown(low) + " to " + shown(high) + ")</small>";
    return out;
}

std::string rangeOf(const Json& bucket)
{
    return number(bucket.value("from", 0.0), 3) + "\u2013" + number(bucket.value("to", 0.0), 3);
}

using Facts = std::vector<std::pair<std::string, std::string>>;

/// What most readers came for, in one table.
void addSummary(Page& page, const Json& certificate)
{
    page.paragraph(shown(at(certificate, "/model/name")) + ", " + shown(at(certificate, "/date")));
    Facts rows;
    const Json &stored = at(certificate, "/model/stored_bytes"), &before = at(certificate, "/model/original_bytes");
    if (stored.is_number_unsigned()) {
        std::string size = bytes(stored);
        if (before.is_number_unsigned() && before.get<std::uint64_t>() > 0 && stored != before)
            size +=
                " of " + bytes(before) + " (" + number(100.0 * stored.get<double>() / before.get<double>(), 3) + " %)";
        rows.emplace_back("Size", size);
    }
    for (const auto& [pointer, label] :
         {std::pair{"/model/bits_per_weight", "Bits a weight"},
          {"/evaluation/perplexity", "Perplexity"},
          {"/evaluation/divergence/reference_perplexity", "Perplexity of the original"},
          {"/evaluation/divergence/mean", "KL divergence from the original, nats a token"},
          {"/evaluation/divergence/top1_agreement", "Same first choice"}})
        if (const Json& value = at(certificate, pointer); !value.is_null())
            rows.emplace_back(label, value.is_object() ? interval(value) : shown(value));
    page.facts(rows);
}

void addVerdict(Page& page, const Json& gate)
{
    const Json& limits = at(gate, "/limits");
    if (!limits.is_array() || limits.empty())
        return;
    page.heading("Limits");
    std::vector<std::vector<std::string>> rows;
    for (const Json& limit : limits) {
        const bool passed = limit.value("passed", false);
        rows.push_back({shown(at(limit, "/name")), shown(at(limit, "/limit")), shown(at(limit, "/value")),
                        passed ? "<span class=\"ok\">passed</span>" : "<span class=\"bad\">exceeded</span>"});
    }
    page.table({"Limit", "At most", "Measured", ""}, rows);
    if (const Json& reason = at(gate, "/override"); reason.is_string())
        page.paragraph("<span class=\"bad\">Accepted all the same: " + shown(reason) + "</span>");
}

/// "120 of 3 bits, 90 of 2 bits": how a plan or a uniform width came out.
std::string widthsOf(const Json& layers)
{
    std::map<int, int, std::greater<>> counts;
    if (layers.is_array())
        for (const Json& layer : layers)
            if (at(layer, "/bits").is_number())
                ++counts[static_cast<int>(std::lround(at(layer, "/bits").get<double>()))];
    std::string out;
    for (const auto& [bits, count] : counts)
        out += (out.empty() ? "" : ", ") + std::to_string(count) + " of " + std::to_string(bits) +
               (bits == 1 ? " bit" : " bits");
    return out;
}

/// What made the widths, and what was expected of them.
std::string planInWords(const Json& plan)
{
    std::string out = "rule " + shown(at(plan, "/rule"));
    const Json& predicted = at(plan, "/predicted");
    if (at(predicted, "/cost").is_number())
        out += ", predicted " + shown(at(predicted, "/objective")) + " " + shown(at(predicted, "/cost")) + " (" +
               shown(at(predicted, "/is")) + ")";
    return out;
}

void addModel(Page& page, const Json& model, const Json& layers, const std::string& title)
{
    if (!model.is_object())
        return;
    page.heading(title);
    Facts rows;
    for (const auto& [key, label] : {std::pair{"name", "Name"},
                                     {"architecture", "Architecture"},
                                     {"format", "Format"},
                                     {"parameters", "Parameters"},
                                     {"bits_per_weight", "Bits a weight"},
                                     {"stored_bytes", "Bytes"},
                                     {"original_bytes", "Bytes of the original"}})
        if (model.contains(key))
            rows.emplace_back(label, shown(model[key]));
    if (const std::string widths = widthsOf(layers); !widths.empty() && !at(model, "/quantization").is_null())
        rows.emplace_back("Layers", widths);
    if (const Json& plan = at(model, "/quantization/plan"); plan.is_object())
        rows.emplace_back("Plan of bits", planInWords(plan));
    page.facts(rows);
}

/// Every option that the planes depend on, and the text they were calibrated with.
void addRecipe(Page& page, const Json& quantization)
{
    const Json& recipe = at(quantization, "/recipe");
    if (!recipe.is_object())
        return;
    page.heading("Recipe");
    Facts rows;
    for (const auto& [option, value] : recipe.items())
        if (!value.is_null() && !(value.is_object() && value.empty()))
            rows.emplace_back(option, value.is_boolean() ? (value.get<bool>() ? "on" : "off") : shown(value));
    for (const Json& digest : at(quantization, "/calibration/sha256"))
        rows.emplace_back("calibration text, SHA-256", digest.is_string() ? code(digest.get<std::string>()) : "-");
    if (const Json& digest = at(quantization, "/plan/sensitivity_sha256"); digest.is_string())
        rows.emplace_back("plan from the sensitivities, SHA-256", code(digest.get<std::string>()));
    page.facts(rows);
}

/// Counted from shapes (docs/decisions/0009).
void addCost(Page& page, const Json& cost)
{
    const Json& variants = at(cost, "/variants");
    if (!variants.is_array() || variants.empty())
        return;
    page.heading("Operations and energy of a token");
    std::vector<std::string> columns{""};
    for (const Json& variant : variants)
        columns.push_back(at(variant, "/name").is_string() ? at(variant, "/name").get<std::string>() : "");
    std::vector<std::vector<std::string>> rows;
    for (const auto& [pointer, label] : {std::pair{"/layers/multiplies", "Multiplications of the linear layers"},
                                         {"/layers/adds", "Additions"},
                                         {"/layers/shifts", "Shifts"},
                                         {"/layers/lookups", "Look-ups"},
                                         {"/layers/bytes", "Bytes moved for them"},
                                         {"/layers/microjoules", "Energy of the linear layers, microjoule"},
                                         {"/total/bytes", "Bytes moved for the whole token"},
                                         {"/total/microjoules", "Energy of the whole token, microjoule"}}) {
        std::vector<std::string> row{label};
        for (const Json& variant : variants)
            row.push_back(shown(at(variant, pointer)));
        rows.push_back(std::move(row));
    }
    page.table(columns, rows);
    page.paragraph("<small>Counted from the shapes, with a context of " + shown(at(cost, "/context")) +
                   " tokens and the unit prices &ldquo;" + shown(at(cost, "/energy")) +
                   "&rdquo;; not a measurement.</small>");
}

/// What both folders are, to the byte.
void addFiles(Page& page, const Json& certificate)
{
    std::vector<std::vector<std::string>> rows;
    for (const auto& [where, whose] : {std::pair{"/model", "this model"}, {"/original", "original"}})
        if (const Json& files = at(certificate, (std::string(where) + "/identity/weights_sha256").c_str());
            files.is_object())
            for (const auto& [file, digest] : files.items())
                rows.push_back({escaped(std::string(whose) + ": " + file),
                                digest.is_string() ? code(digest.get<std::string>()) : "-"});
    if (rows.empty())
        return;
    page.heading("Weight files");
    page.table({"File", "SHA-256"}, rows);
}

void addPerplexityPlots(Page& page, const Json& result, const Json& divergence)
{
    if (const Json& original = at(divergence, "/reference_perplexity"); original.is_number())
        page.bars("Perplexity on the text (lower is better)",
                  {{"original", original.get<double>()}, {"this model", result["perplexity"].get<double>()}});
    std::vector<std::pair<std::string, double>> quantiles;
    for (const auto& [key, label] :
         {std::pair{"median", "median"}, {"p90", "90 %"}, {"p99", "99 %"}, {"p999", "99.9 %"}})
        if (const Json& value = at(divergence, (std::string("/") + key).c_str()); value.is_number())
            quantiles.emplace_back(label, value.get<double>());
    page.bars("KL divergence that so many tokens stay below, nats (lower is better)", quantiles);
}

void addText(Page& page, const Json& result)
{
    if (!result.contains("perplexity"))
        return;
    page.heading("On the text");
    const Json& d = at(result, "/divergence");
    const Json perplexity{{"value", result["perplexity"]},
                          {"low", result.value("perplexity_low", Json())},
                          {"high", result.value("perplexity_high", Json())}};
    std::vector<std::pair<std::string, std::string>> rows{{"Perplexity", interval(perplexity)},
                                                          {"Windows", shown(result["windows"])}};
    if (d.is_object()) {
        for (const auto& [key, label] : {std::pair{"reference_perplexity", "Perplexity of the original"},
                                         {"perplexity_ratio", "Ratio"},
                                         {"mean", "KL divergence, mean (nats a token)"},
                                         {"median", "median"},
                                         {"p90", "90 % are below"},
                                         {"p99", "99 % are below"},
                                         {"p999", "99.9 % are below"},
                                         {"max", "largest"},
                                         {"top1_agreement", "Same first choice"}}) {
            if (const Json& figure = at(d, (std::string("/") + key).c_str()); figure.is_object())
                rows.emplace_back(label, interval(figure));
            else
                rows.emplace_back(label, shown(figure));
        }
    }
    if (const Json& noise = at(d, "/noise_floor/mean"); noise.is_object())
        rows.emplace_back("KL of the original in float16 from itself", interval(noise));
    page.facts(rows);
    page.paragraph("<small>In brackets: 95 % intervals over windows.</small>");
    if (result["perplexity"].is_number())
        addPerplexityPlots(page, result, d);
    const auto barsOf = [&](const Json& buckets, const char* value) {
        std::vector<std::pair<std::string, double>> bars;
        for (const Json& bucket : buckets)
            bars.emplace_back(rangeOf(bucket), at(bucket, value).is_number() ? at(bucket, value).get<double>() : 0.0);
        return bars;
    };
    page.bars("Tokens by their KL divergence", barsOf(at(d, "/histogram"), "/tokens"));
    page.bars("Mean KL divergence by how sure the original was", barsOf(at(d, "/by_confidence"), "/mean"));
}

void addTasks(Page& page, const Json& tasks, const Json& originals)
{
    if (!tasks.is_array() || tasks.empty())
        return;
    page.heading("Zero-shot tasks");
    const auto estimate = [](const Json& figure) {
        return figure.is_object() ? shown(at(figure, "/value")) + " &plusmn; " + shown(at(figure, "/stderr")) : "-";
    };
    std::vector<std::vector<std::string>> rows;
    for (const Json& task : tasks) {
        Json before;
        for (const Json& original : originals)
            if (at(original, "/task") == at(task, "/task"))
                before = at(original, "/accuracy");
        rows.push_back({shown(at(task, "/task")), shown(at(task, "/items")), estimate(before),
                        estimate(at(task, "/accuracy")), estimate(at(task, "/accuracy_norm"))});
    }
    page.table({"Task", "Items", "Original", "This model", "Normalised by length"}, rows);
}

/// The folder's own name: where it lies is nobody's business.
Json nameOf(const Json& model)
{
    const Json& path = at(model, "/model");
    return path.is_string() ? Json(splitPath(path.get<std::string>()).name) : path;
}

/// "A " for the first of two models, "B " for the second.
std::string ordinal(const Json& models, const Json& model)
{
    return models.size() < 2 ? "" : &model == &models[0] ? "A " : "B ";
}

void addLatency(Page& page, const Json& latency)
{
    if (!at(latency, "/models").is_array())
        return;
    page.heading("Speed and memory");
    std::vector<std::vector<std::string>> rows;
    for (const Json& model : latency["models"])
        for (const Json& length : at(model, "/lengths"))
            rows.push_back({shown(nameOf(model)), shown(at(length, "/prompt_tokens")),
                            shown(at(length, "/prefill_seconds/median")),
                            shown(at(length, "/decode_seconds_per_token/median")),
                            bytes(at(model, "/memory/linear_bytes")), bytes(at(length, "/cache_bytes")),
                            shown(at(length, "/decode_joules_per_token/median"))});
    page.table({"Model", "Prompt, tokens", "Prefill, s", "A token, s", "Linear layers", "Cache", "Joule a token"},
               rows);
    for (const auto& [pointer, caption] :
         {std::pair{"/first_token_seconds/median", "Time to the first token, milliseconds (lower is better)"},
          {"/decode_seconds_per_token/median", "Time of each further token, milliseconds (lower is better)"}}) {
        std::vector<std::pair<std::string, double>> bars;
        for (const Json& model : latency["models"])
            for (const Json& length : at(model, "/lengths"))
                if (const Json& value = at(length, pointer); value.is_number())
                    bars.emplace_back(ordinal(latency["models"], model) + at(length, "/prompt_tokens").dump(),
                                      1000 * value.get<double>());
        page.bars(std::string(caption) +
                      (latency["models"].size() > 1 ? "; A and B are the models of the table, in its order" : ""),
                  bars);
    }
}

void addLayers(Page& page, const Json& layers)
{
    std::vector<std::pair<std::string, double>> errors;
    for (const Json& layer : layers)
        if (at(layer, "/relative_error").is_number())
            errors.emplace_back(layer.value("name", ""), layer["relative_error"].get<double>());
    if (errors.empty())
        return;
    page.heading("Layer by layer");
    page.bars("Relative error of each layer on the calibration text, in the order of the model", errors);
}

} // namespace

std::string reportHtml(const Json& certificate)
{
    Page page("Quality certificate");
    addSummary(page, certificate);
    addVerdict(page, at(certificate, "/gate"));
    addText(page, at(certificate, "/evaluation"));
    addTasks(page, at(certificate, "/evaluation/tasks"), at(certificate, "/original_tasks"));
    addLayers(page, at(certificate, "/layers"));
    addLatency(page, at(certificate, "/latency"));
    addCost(page, at(certificate, "/cost"));
    addModel(page, at(certificate, "/model"), at(certificate, "/layers"), "Model");
    addRecipe(page, at(certificate, "/model/quantization"));
    addModel(page, at(certificate, "/original"), Json(), "Original");
    page.heading("How it was measured");
    page.facts({{"Program", shown(at(certificate, "/program"))},
                {"Machine", shown(at(certificate, "/machine/name"))},
                {"Command", "<code>" + shown(at(certificate, "/command")) + "</code>"}});
    addFiles(page, certificate);
    return std::move(page).finished();
}

} // namespace sa
