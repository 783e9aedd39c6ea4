// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/report_html.h"

#include "core/base/file.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <vector>

namespace sa
{

namespace
{

constexpr const char* kHead = R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Quality certificate</title><style>
body{font:15px/1.5 system-ui,sans-serif;color:#1a1f24;background:#fff;max-width:46rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem;border-bottom:1px solid #d5dbe1}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.2rem .8rem .2rem 0;vertical-align:top;border-bottom:1px solid #eef1f4}
th{font-weight:500;color:#56616c}td.n{text-align:right}code{font-size:.8rem;word-break:break-all}
.ok{color:#1b6e3c}.bad{color:#a4262c}svg{width:100%;height:auto;display:block}figure{margin:1rem 0;break-inside:avoid}
figcaption{color:#56616c;font-size:.85rem}tr{break-inside:avoid}
@media print{body{margin:0;max-width:none;font-size:10.5pt}h2{break-after:avoid}@page{margin:18mm}}
</style></head><body>
)";

std::string escaped(const std::string& text)
{
    std::string out;
    for (const char c : display(text, 10'000)) {
        if (c == '&')
            out += "&amp;";
        else if (c == '<')
            out += "&lt;";
        else if (c == '>')
            out += "&gt;";
        else if (c == '"')
            out += "&quot;";
        else
            out += c;
    }
    return out;
}

const Json& at(const Json& value, const char* pointer)
{
    static const Json nothing;
    const nlohmann::json::json_pointer path(pointer);
    return value.contains(path) ? value.at(path) : nothing;
}

std::string number(double value, int digits = 5)
{
    if (!std::isfinite(value))
        return "-";
    char text[40];
    std::snprintf(text, sizeof text, "%.*g", digits, value);
    return text;
}

/// What a cell shows of a value: numbers short, nothing as a dash.
std::string shown(const Json& value)
{
    if (value.is_null())
        return "-";
    if (value.is_string())
        return escaped(value.get<std::string>());
    if (value.is_number_float()) // rounded for reading, exact for whoever reads the page's source
        return "<data value=\"" + json::dump(value) + "\">" + number(value.get<double>()) + "</data>";
    return escaped(json::dump(value));
}

std::string interval(const Json& figure)
{
    const Json &low = at(figure, "/low"), &high = at(figure, "/high");
    std::string out = shown(at(figure, "/value"));
    if (low.is_number() && high.is_number())
        out += " <small>(" + shown(low) + " to " + shown(high) + ")</small>";
    return out;
}

class Page
{
public:
    void heading(const std::string& text) { m_out += "<h2>" + escaped(text) + "</h2>\n"; }
    void raw(const std::string& html) { m_out += html; }
    /// Label and ready HTML, a line each.
    void facts(const std::vector<std::pair<std::string, std::string>>& rows)
    {
        m_out += "<table>";
        for (const auto& [label, value] : rows)
            m_out += "<tr><th>" + escaped(label) + "</th><td>" + value + "</td></tr>\n";
        m_out += "</table>\n";
    }
    void table(const std::vector<std::string>& columns, const std::vector<std::vector<std::string>>& rows)
    {
        m_out += "<table><tr>";
        for (const auto& column : columns)
            m_out += "<th>" + escaped(column) + "</th>";
        m_out += "</tr>\n";
        for (const auto& row : rows) {
            m_out += "<tr>";
            for (std::size_t i = 0; i < row.size(); ++i)
                m_out += (i == 0 ? "<td>" : "<td class=\"n\">") + row[i] + "</td>";
            m_out += "</tr>\n";
        }
        m_out += "</table>\n";
    }
    /// Bars with a label below and the value above each.
    void bars(const std::string& caption, const std::vector<std::pair<std::string, double>>& values)
    {
        constexpr double width = 720, base = 180, top = 24;
        double most = 0;
        for (const auto& [label, value] : values)
            most = std::isfinite(value) ? std::max(most, value) : most;
        if (values.empty() || most <= 0)
            return;
        const double step = width / static_cast<double>(values.size());
        m_out += "<figure><svg viewBox=\"0 0 720 220\" role=\"img\" aria-label=\"" + escaped(caption) +
                 "\" font-size=\"11\" text-anchor=\"middle\">";
        for (std::size_t i = 0; i < values.size(); ++i) {
            const auto& [label, value] = values[i];
            const double tall = std::isfinite(value) ? (base - top) * value / most : 0;
            const double x = step * static_cast<double>(i), middle = x + step / 2;
            m_out += "<rect x=\"" + number(x + 0.15 * step) + "\" y=\"" + number(base - tall) + "\" width=\"" +
                     number(0.7 * step) + "\" height=\"" + number(tall) + "\" fill=\"#2b6cb0\"/>";
            if (values.size() <= 16) {
                m_out += "<text x=\"" + number(middle) + "\" y=\"" + number(base - tall - 5) + "\">" +
                         number(value, value == std::floor(value) ? 9 : 3) + "</text><text x=\"" + number(middle) +
                         "\" y=\"" + number(base + 16) + "\" fill=\"#56616c\">" + escaped(label) + "</text>";
            }
        }
        m_out += "<line x1=\"0\" x2=\"720\" y1=\"" + number(base) + "\" y2=\"" + number(base) +
                 "\" stroke=\"#8a949e\"/></svg><figcaption>" + escaped(caption) + "</figcaption></figure>\n";
    }
    std::string finished() && { return kHead + m_out + "</body></html>\n"; }

private:
    std::string m_out;
};

std::string rangeOf(const Json& bucket)
{
    return number(bucket.value("from", 0.0), 3) + " to " + number(bucket.value("to", 0.0), 3);
}

void addVerdict(Page& page, const Json& certificate)
{
    const Json& gate = at(certificate, "/gate");
    page.raw("<h1>Quality certificate</h1>\n<p>" + shown(at(certificate, "/model/name")) + ", " +
             shown(at(certificate, "/date")) + "</p>\n");
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
        page.raw("<p class=\"bad\">Accepted all the same: " + shown(reason) + "</p>\n");
}

/// Rule, size, prediction and how many layers got which width.
std::string planInWords(const Json& plan)
{
    std::map<int, int> layers; // by width
    for (const Json& bits : at(plan, "/layers"))
        if (bits.is_number_integer())
            ++layers[bits.get<int>()];
    std::string widths;
    for (const auto& [bits, count] : layers)
        widths += (widths.empty() ? "" : ", ") + std::to_string(count) + (bits == 16 ? " kept" : " at ") +
                  (bits == 16 ? "" : std::to_string(bits));
    std::string out = "rule " + shown(at(plan, "/rule")) + "; layers by bits: " + widths;
    const Json& predicted = at(plan, "/predicted");
    if (at(predicted, "/cost").is_number())
        out += "; predicted " + shown(at(predicted, "/objective")) + " " + shown(at(predicted, "/cost")) + " (" +
               shown(at(predicted, "/is")) + ")";
    return out;
}

void addModel(Page& page, const Json& certificate, const char* where, const std::string& title)
{
    const Json& model = at(certificate, where);
    if (!model.is_object())
        return;
    page.heading(title);
    std::vector<std::pair<std::string, std::string>> rows;
    for (const auto& [key, label] : {std::pair{"name", "Name"},
                                     {"architecture", "Architecture"},
                                     {"format", "Format"},
                                     {"parameters", "Parameters"},
                                     {"bits_per_weight", "Bits a weight"},
                                     {"stored_bytes", "Bytes"},
                                     {"original_bytes", "Bytes of the original"}})
        if (model.contains(key))
            rows.emplace_back(label, shown(model[key]));
    const auto code = [](const std::string& text) { return "<code>" + escaped(text) + "</code>"; };
    if (const Json& recipe = at(model, "/quantization/recipe"); recipe.is_object())
        rows.emplace_back("Recipe", code(json::dump(recipe)));
    if (const Json& plan = at(model, "/quantization/plan"); plan.is_object())
        rows.emplace_back("Plan of bits", planInWords(plan));
    for (const auto& [file, digest] : at(model, "/identity/weights_sha256").items())
        rows.emplace_back("SHA-256 of " + file, code(shown(digest)));
    page.facts(rows);
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
    page.raw("<p><small>In brackets: 95 % intervals over windows.</small></p>\n");
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
                            shown(at(model, "/memory/linear_bytes")), shown(at(length, "/cache_bytes")),
                            shown(at(length, "/decode_joules_per_token/median"))});
    page.table({"Model", "Prompt, tokens", "Prefill, s", "A token, s", "Linear layers, bytes", "Cache, bytes",
                "Joule a token"},
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

} // namespace

std::string reportHtml(const Json& certificate)
{
    Page page;
    addVerdict(page, certificate);
    addModel(page, certificate, "/model", "Model");
    addModel(page, certificate, "/original", "Original");
    addText(page, at(certificate, "/evaluation"));
    addTasks(page, at(certificate, "/evaluation/tasks"), at(certificate, "/original_tasks"));
    std::vector<std::pair<std::string, double>> layers;
    for (const Json& layer : at(certificate, "/layers"))
        if (at(layer, "/relative_error").is_number())
            layers.emplace_back(layer.value("name", ""), layer["relative_error"].get<double>());
    page.bars("Relative error of each layer on the calibration text, in the order of the model", layers);
    addLatency(page, at(certificate, "/latency"));
    page.heading("How it was measured");
    page.facts({{"Program", shown(at(certificate, "/program"))},
                {"Machine", shown(at(certificate, "/machine/name"))},
                {"Command", "<code>" + shown(at(certificate, "/command")) + "</code>"}});
    return std::move(page).finished();
}

} // namespace sa
