// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/result_text.h"

#include "app/cli/format.h"
#include "app/cli/methods_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace sa::cli
{

namespace
{

using Lines = std::vector<std::pair<std::string, std::string>>;

/// NaN where the member is missing or null, which the formatters print as "-".
double number(const Json& object, const char* key)
{
    const auto it = object.find(key);
    return it != object.end() && it->is_number() ? it->get<double>() : std::numeric_limits<double>::quiet_NaN();
}

std::string text(const Json& object, const char* key)
{
    const auto it = object.find(key);
    return it != object.end() && it->is_string() ? display(it->get<std::string>(), 1000) : std::string("-");
}

const Json& member(const Json& object, const char* key)
{
    static const Json nothing = Json::object();
    const auto it = object.find(key);
    return it != object.end() && it->is_structured() ? *it : nothing;
}

std::string fixed(double value, int decimals)
{
    return std::isfinite(value) ? fmt::format("{:.{}f}", value, decimals) : "-";
}

std::string percent(double part, double whole)
{
    return whole > 0 && std::isfinite(part) ? fmt::format("{:.1f} %", 100 * part / whole) : "-";
}

std::string errorPercent(double fraction)
{
    return std::isfinite(fraction) ? fmt::format("{:.2f} %", 100 * fraction) : "-";
}

/// Of `open` and of `quantize`: form, size, and what its rounding costs.
std::string headText(const Json& head)
{
    const std::string dtype = text(head, "dtype");
    const bool shared = head.value("tied", false) && dtype != "planes" && dtype != "I8";
    std::string out = fmt::format("{} bits a weight{}, {}{}", formatNumber(number(head, "bits"), 3),
                                  dtype == "-" ? "" : " (" + dtype + ")", formatBytes(number(head, "bytes")),
                                  shared ? ", the same tensor as the embeddings" : "");
    if (const double error = number(head, "relative_error"); std::isfinite(error))
        out += fmt::format(", relative error {} %", formatNumber(100 * error, 2));
    return out;
}

std::string sizeLine(const Json& result)
{
    const double stored = number(result, "stored_bytes");
    const double original = number(result, "original_bytes");
    if (!std::isfinite(original) || stored == original)
        return formatBytes(stored);
    return fmt::format("{}, {} of the original {}", formatBytes(stored), percent(stored, original),
                       formatBytes(original));
}

bool isPacked(const Json& result)
{
    return member(result, "quantization").is_object() && !member(result, "quantization").empty();
}

std::string layerTable(const Json& layers, bool isQuantized)
{
    Table table;
    table.column("Layer", Table::Align::Left);
    table.column("Rows", Table::Align::Right);
    table.column("Columns", Table::Align::Right);
    table.column("Type", Table::Align::Left);
    table.column("Bits", Table::Align::Right);
    table.column("Size", Table::Align::Right);
    if (isQuantized)
        table.column("Loss", Table::Align::Right);
    for (const Json& layer : layers) {
        std::vector<std::string> cells{
            text(layer, "name"),  fixed(number(layer, "N"), 0),    fixed(number(layer, "K"), 0),
            text(layer, "dtype"), fixed(number(layer, "bits"), 2), formatBytes(number(layer, "bytes"))};
        if (isQuantized)
            cells.push_back(formatNumber(number(layer, "error"), 4));
        table.row(std::move(cells));
    }
    return table.text();
}

std::vector<std::string> costCells(const std::string& title, const Json& cost)
{
    std::vector<std::string> cells{title};
    for (const char* kind : {"multiplies", "adds", "shifts", "lookups"})
        cells.push_back(formatMillions(number(cost, kind)));
    cells.push_back(formatBytes(number(cost, "bytes")));
    cells.push_back(formatNumber(number(cost, "microjoules") / 1000, 4) + " mJ");
    return cells;
}

/// What a decoded token costs in the linear layers, around them, and in all; the original first.
std::string costText(const Json& cost)
{
    const Json& units = member(cost, "units_pj");
    const Json& variants = member(cost, "variants");
    const std::string bits = fixed(number(cost, "arithmetic_bits"), 0);
    Table table;
    table.column("One token", Table::Align::Left);
    for (const char* title : {"Multiplies", "Adds", "Shifts", "Look-ups", "Memory", "Energy"})
        table.column(title, Table::Align::Right);
    for (const Json& variant : variants)
        table.row(costCells("Linear layers, " + text(variant, "name"), member(variant, "layers")));
    Json others = Json::object();
    for (const Json& part : member(cost, "parts"))
        for (const char* kind : {"multiplies", "adds", "shifts", "lookups", "bytes", "microjoules"})
            others[kind] = others.value(kind, 0.0) + number(part, kind);
    table.row(costCells("Everything else", others));
    for (const Json& variant : variants)
        table.row(costCells("Whole model, " + text(variant, "name"), member(variant, "total")));
    const auto price = [&](const char* unit) { return formatNumber(number(units, unit), 3); };
    return table.text() +
           fmt::format(
               "\nA token that sees {} positions, {} bit arithmetic.\nEnergy ({} values, pJ): {} a byte of memory, "
               "multiply {}, add {}, shift {}, look-up {}.\n",
               formatCount(number(cost, "context")), bits, text(cost, "energy"), price("memory_byte"),
               price("multiply"), price("add"), price("shift"), price("lookup"));
}

std::string openText(const Json& result)
{
    const Json& config = member(result, "config");
    const Json& quantization = member(result, "quantization");
    const Json& tokenizer = member(result, "tokenizer");
    const double parameters = number(result, "parameters");
    const double quantizable = number(result, "quantizable_parameters");
    const bool packed = isPacked(result);

    std::string kvHeads;
    if (number(config, "kv_heads") != number(config, "heads"))
        kvHeads = fmt::format(" ({} for keys and values)", fixed(number(config, "kv_heads"), 0));
    Lines lines{
        {"Model", text(result, "model")},
        {"Architecture", fmt::format("{} ({})", text(result, "architecture"), text(result, "family"))},
        {"Shape", fmt::format("{} layers, {} wide, {} heads{}, {} positions", fixed(number(config, "layers"), 0),
                              fixed(number(config, "hidden_size"), 0), fixed(number(config, "heads"), 0), kvHeads,
                              formatCount(number(config, "positions")))},
        {"Parameters", fmt::format("{}, of which {} ({}) can be quantized", formatMillions(parameters),
                                   formatMillions(quantizable), percent(quantizable, parameters))},
        {"Format", packed ? fmt::format("packed by {}: {}, {} bits, version {}", text(quantization, "method"),
                                        text(quantization, "mode"), fixed(number(quantization, "bits"), 0),
                                        fixed(number(quantization, "version"), 0))
                          : fmt::format("original, {}", text(result, "dtype"))},
        {"Size", sizeLine(result)},
        {"Bits", fmt::format("{} a weight in the quantizable layers{}", fixed(number(result, "bits_per_weight"), 2),
                             packed ? ", scales included" : "")},
        {"Output head", headText(member(result, "head"))},
        {"Tokenizer", tokenizer.empty() ? "-"
                                        : fmt::format("{}, {} tokens", text(tokenizer, "type"),
                                                      formatCount(number(tokenizer, "vocab")))}};
    std::string out = labelled(lines) + "\n" + layerTable(member(result, "layers"), packed);
    if (const Json& cost = member(result, "cost"); !cost.empty())
        out += "\n" + costText(cost);
    for (const Json& warning : member(result, "warnings"))
        if (warning.is_string())
            out += "\nWarning: " + display(warning.get<std::string>(), 1000) + "\n";
    return out;
}

/// Of `quantize` and of `import-reference`.
std::string packedText(const std::string& out, const Json& result)
{
    Table table;
    table.column("Layer", Table::Align::Left);
    table.column("Bits", Table::Align::Right);
    table.column("Relative error", Table::Align::Right);
    table.column("Loss", Table::Align::Right);
    table.column("Size", Table::Align::Right);
    table.column("Time", Table::Align::Right);
    double sum = 0, worst = -1;
    std::string worstName = "-";
    const Json& layers = member(result, "layers");
    for (const Json& layer : layers) {
        const double relative = number(layer, "relative_error");
        sum += relative;
        if (relative > worst) {
            worst = relative;
            worstName = text(layer, "name");
        }
        table.row({text(layer, "name"), fixed(number(layer, "bits"), 0), errorPercent(relative),
                   formatNumber(number(layer, "error"), 4), formatBytes(number(layer, "bytes")),
                   formatSeconds(number(layer, "seconds"))});
    }
    Lines lines{{"Size", sizeLine(result)}};
    if (const double nominal = number(result, "nominal_stored_bytes");
        std::isfinite(nominal) && nominal != number(result, "stored_bytes"))
        lines.emplace_back("In its own format", formatBytes(nominal) + " (the folder holds ordinary weights)");
    lines.emplace_back("Bits", fixed(number(result, "bits_per_weight"), 3) +
                                   " a weight in the quantized layers, scales included");
    if (const Json& head = member(result, "head"); !head.empty())
        lines.emplace_back("Output head", headText(head));
    if (!layers.empty())
        lines.emplace_back("Error", fmt::format("{} on average, at most {} ({})",
                                                errorPercent(sum / static_cast<double>(layers.size())),
                                                errorPercent(worst), worstName));
    if (const Json& prediction = member(result, "prediction"); !prediction.empty())
        lines.emplace_back("Predicted", fmt::format("errors of {} layers, rank correlation {} with the measured ones",
                                                    member(prediction, "layers").size(),
                                                    fixed(number(prediction, "kendall_tau"), 3)));
    lines.emplace_back("Time", formatSeconds(number(result, "seconds")));
    lines.emplace_back("Written to", display(out, 1000));
    return table.text() + "\n" + labelled(lines);
}

/// "0.0123 (0.0119 to 0.0127)"
std::string intervalText(const Json& figure, int digits)
{
    const double low = number(figure, "low"), high = number(figure, "high");
    const std::string value = formatNumber(number(figure, "value"), digits);
    return std::isfinite(low) && std::isfinite(high)
               ? fmt::format("{} ({} to {})", value, formatNumber(low, digits), formatNumber(high, digits))
               : value;
}

Lines textLines(const Json& result)
{
    const Json perplexity{{"value", result.value("perplexity", Json())},
                          {"low", result.value("perplexity_low", Json())},
                          {"high", result.value("perplexity_high", Json())}};
    return {{"Perplexity", intervalText(perplexity, 6)},
            {"Text", fmt::format("{} tokens, {} windows", formatCount(number(result, "tokens")),
                                 formatCount(number(result, "windows")))},
            {"Time", fmt::format("{}, {} tokens a second", formatSeconds(number(result, "seconds")),
                                 formatCount(number(result, "tokens_per_second")))}};
}

void addDivergence(Lines& lines, const Json& d)
{
    lines.insert(lines.end(), {{"Original", formatNumber(number(d, "reference_perplexity"), 6)},
                               {"Ratio", intervalText(member(d, "perplexity_ratio"), 5)},
                               {"KL, mean", intervalText(member(d, "mean"), 4) + " nats a token"},
                               {"KL, median", formatNumber(number(d, "median"), 4)},
                               {"KL, 90 %", formatNumber(number(d, "p90"), 4)},
                               {"KL, 99 %", formatNumber(number(d, "p99"), 4)},
                               {"KL, 99.9 %", formatNumber(number(d, "p999"), 4)},
                               {"KL, largest", formatNumber(number(d, "max"), 4)},
                               {"Same choice", intervalText(member(d, "top1_agreement"), 5)}});
    if (const Json& noise = member(d, "noise_floor"); !noise.empty())
        lines.emplace_back("Noise floor", intervalText(member(noise, "mean"), 3) + " (the original in float16)");
}

std::string tasksText(const Json& result)
{
    Table table;
    table.column("Task", Table::Align::Left);
    for (const char* title : {"Items", "Accuracy", "Error", "Normalised", "Error"})
        table.column(title, Table::Align::Right);
    const auto row = [&](const char* key, const Json& task) {
        const Json &accuracy = member(task, "accuracy"), &normalised = member(task, "accuracy_norm");
        table.row({text(task, key), fixed(number(task, "items"), 0), fixed(number(accuracy, "value"), 4),
                   fixed(number(accuracy, "stderr"), 4), fixed(number(normalised, "value"), 4),
                   fixed(number(normalised, "stderr"), 4)});
    };
    for (const Json& task : member(result, "tasks"))
        row("task", task);
    for (const Json& group : member(result, "task_groups"))
        row("group", group);
    return table.text();
}

std::string evaluateText(const Json& result)
{
    std::string out;
    if (result.contains("perplexity")) {
        Lines lines = textLines(result);
        if (const Json& divergence = member(result, "divergence"); !divergence.empty())
            addDivergence(lines, divergence);
        out = labelled(lines);
    }
    if (result.contains("tasks"))
        out += (out.empty() ? "" : "\n") + tasksText(result);
    return out;
}

std::string latencyText(const Json& result)
{
    Table table;
    table.column("Model", Table::Align::Left);
    for (const char* title : {"Prompt", "Prefill", "A token", "Spread", "Tokens/s", "Joule a token"})
        table.column(title, Table::Align::Right);
    const auto milliseconds = [](double seconds) { return formatNumber(1000 * seconds, 4) + " ms"; };
    for (const Json& model : member(result, "models"))
        for (const Json& length : member(model, "lengths")) {
            const Json& decode = member(length, "decode_seconds_per_token");
            table.row({text(model, "model"), fixed(number(length, "prompt_tokens"), 0),
                       milliseconds(number(member(length, "prefill_seconds"), "median")),
                       milliseconds(number(decode, "median")),
                       milliseconds(number(decode, "high") - number(decode, "low")),
                       formatNumber(1 / number(decode, "median"), 4),
                       formatNumber(number(member(length, "decode_joules_per_token"), "median"), 3)});
        }
    return table.text();
}

std::string reportText(const ReportSpec& spec, const Json& result)
{
    std::string out = evaluateText(member(result, "evaluation"));
    for (const Json& limit : member(member(result, "gate"), "limits"))
        out +=
            fmt::format("\n{}: {} of at most {}: {}", text(limit, "name"), formatNumber(number(limit, "value"), 4),
                        formatNumber(number(limit, "limit"), 4), limit.value("passed", false) ? "passed" : "EXCEEDED");
    if (const std::string reason = text(member(result, "gate"), "override"); reason != "-")
        out += "\nAccepted all the same: " + reason;
    for (const std::string& file : {spec.out, spec.html})
        if (!file.empty())
            out += "\nWritten to " + display(file, 1000);
    return out + "\n";
}

/// The figures themselves are in the file: there are as many as layers and widths.
std::string analyzeText(const Json& result)
{
    const double failed = number(result, "failed");
    Lines lines{{"Layers", formatCount(number(result, "linears"))}};
    if (failed > 0)
        lines.emplace_back("Not measured", fmt::format("{} layers: see the warnings", formatCount(failed)));
    if (number(result, "tokens") > 0)
        lines.emplace_back("Damage",
                           fmt::format("{} measured on {} tokens, {} passes in all",
                                       formatCount(number(result, "measured")), formatCount(number(result, "tokens")),
                                       formatCount(number(result, "forward_passes"))));
    lines.emplace_back("Time", formatSeconds(number(result, "seconds")) +
                                   (result.value("cached", false) ? ", all of it known from before" : ""));
    lines.emplace_back("Sensitivity", text(result, "sensitivity_file"));
    return labelled(lines);
}

std::string exportText(const Json& result)
{
    return labelled({{"Written to", text(result, "out")},
                     {"Size", formatBytes(number(result, "stored_bytes"))},
                     {"Time", formatSeconds(number(result, "seconds"))}});
}

std::string verifyText(const VerifySpec& spec, const Json& result)
{
    return labelled(
        {{"Model", display(spec.model, 1000)},
         {"Checked", fmt::format("{} tensors, {} quantized layers, {}", formatCount(number(result, "tensors")),
                                 formatCount(number(result, "layers")), formatBytes(number(result, "bytes")))},
         {"Time", formatSeconds(number(result, "seconds"))},
         {"Verdict", "nothing is missing, extra or out of range"}});
}

std::string doctorText(const Json& result)
{
    std::string out;
    for (const Json& check : member(result, "checks")) {
        const std::string status = text(check, "status");
        const char* mark = status == "passed" ? "ok" : status == "warning" ? "warning" : "FAILED";
        out += fmt::format("{:<8} {}: {}\n", mark, text(check, "title"), text(check, "detail"));
        if (const std::string remedy = text(check, "remedy"); status != "passed" && !remedy.empty())
            out += fmt::format("{:<8} -> {}\n", "", remedy);
    }
    return out + fmt::format("\n{} passed, {} to look at, {} failed\n", fixed(number(result, "passed"), 0),
                             fixed(number(result, "warnings"), 0), fixed(number(result, "failed"), 0));
}

std::string modelBenchText(const Json& result)
{
    std::string out =
        fmt::format("{}: reads {:.0f} GB/s; {} tokens after {}\n", text(result, "device"),
                    number(result, "read_ceiling") / 1e9, number(result, "decode"), number(result, "context"));
    out += fmt::format("{:<14} {:>9} {:>9} {:>9} {:>9} {:>11} {:>9} {:>9} {:>9}\n", "model", "planes MB", "dense MB",
                       "ms/token", "tokens/s", "with a loop", "of read", "GB there", "error");
    const auto shown = [](double value, int digits) {
        return std::isfinite(value) ? fmt::format("{:.{}f}", value, digits) : std::string("-");
    };
    for (const Json& row : member(result, "models"))
        out += fmt::format(
            "{:<14} {:>9.1f} {:>9.1f} {:>9} {:>9} {:>11} {:>9} {:>9} {:>9}\n", text(row, "name"),
            number(row, "plane_bytes") / 1e6, number(row, "dense_bytes") / 1e6,
            shown(number(member(row, "token"), "median_us") / 1e3, 3), shown(number(row, "tokens_per_second"), 1),
            shown(number(row, "loop_tokens_per_second"), 1), shown(number(row, "of_ceiling"), 3),
            shown(number(row, "device_bytes") / 1e9, 2),
            std::isfinite(number(row, "relative_error")) ? fmt::format("{:.1e}", number(row, "relative_error")) : "-");
    return out;
}

std::string benchText(const Json& result)
{
    if (result.contains("models"))
        return modelBenchText(result);
    std::string out = fmt::format("{}: reads {:.0f} GB/s; dense: {}\n", text(result, "device"),
                                  number(result, "read_ceiling") / 1e9, text(result, "dense"));
    out += fmt::format("{:>8} {:>8} {:>4} {:>6} {:>9} {:>7} {:>9} {:>7} {:>8} {:>8} {:>7}  {}\n", "rows", "columns",
                       "bits", "tokens", "MB", "error", "us", "spread", "GB/s", "of read", "dense", "path");
    for (const Json& row : member(result, "shapes")) {
        const Json& product = member(row, "product");
        const double median = number(product, "median_us");
        const double times = number(row, "times_dense");
        out +=
            fmt::format("{:>8} {:>8} {:>4} {:>6} {:>9.1f} {:>7.1e} {:>9.2f} {:>6.1f}% {:>8.1f} {:>7.1f}% {:>7}  {}\n",
                        number(row, "rows"), number(row, "columns"), number(row, "bits"), number(row, "tokens"),
                        number(row, "packed_bytes") / 1e6, number(row, "relative_error"), median,
                        100 * (number(product, "max_us") - number(product, "min_us")) / median,
                        number(row, "bytes_per_second") / 1e9, 100 * number(row, "of_ceiling"),
                        std::isfinite(times) ? fmt::format("{:.2f}x", times) : "-", text(row, "path"));
    }
    return out;
}

} // namespace

std::string resultText(const JobSpec& spec, const Json& result)
{
    if (!result.is_object())
        return {};
    if (std::holds_alternative<OpenSpec>(spec))
        return openText(result);
    if (const auto* quantize = std::get_if<QuantizeSpec>(&spec))
        return packedText(quantize->out, result);
    if (const auto* import = std::get_if<ImportReferenceSpec>(&spec))
        return packedText(import->out, result);
    if (std::holds_alternative<AnalyzeSpec>(spec))
        return analyzeText(result);
    if (std::holds_alternative<EvaluateSpec>(spec))
        return evaluateText(result);
    if (std::holds_alternative<LatencySpec>(spec))
        return latencyText(result);
    if (const auto* report = std::get_if<ReportSpec>(&spec))
        return reportText(*report, result);
    if (std::holds_alternative<ExportSpec>(spec))
        return exportText(result);
    if (std::holds_alternative<DoctorSpec>(spec))
        return doctorText(result);
    if (std::holds_alternative<BenchSpec>(spec))
        return benchText(result);
    if (std::holds_alternative<MethodsSpec>(spec))
        return methodsText(result);
    if (const auto* verify = std::get_if<VerifySpec>(&spec))
        return verifyText(*verify, result);
    return {};
}

std::string generationSummary(const Json& result)
{
    const std::string stop = text(result, "stop");
    return fmt::format("{} tokens at {} a second after a prompt of {} (read in {}); {}\n",
                       formatCount(static_cast<double>(member(result, "ids").size())),
                       formatNumber(number(result, "tokens_per_second"), 4),
                       formatCount(number(result, "prompt_tokens")), formatSeconds(number(result, "prefill_seconds")),
                       stop == "eos"      ? "the model ended the text"
                       : stop == "stop"   ? "a stop text was reached"
                       : stop == "forced" ? "the tokens were given"
                                          : "the limit of tokens was reached");
}

} // namespace sa::cli
