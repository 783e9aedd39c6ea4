// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/measure/latency_result.h"

#include "ui/text.h"

#include <QCoreApplication>

#include <algorithm>
#include <cmath>

namespace sa::ui
{

namespace
{

constexpr double kMaxSeconds = 1e9;
constexpr std::int64_t kMaxBytes = std::int64_t{1} << 50;
constexpr double kNoDifference = 0.03; // relative; less is not worth a claim

QString tr(const char* text)
{
    return QCoreApplication::translate("sa::ui::LatencyResult", text);
}

Result<Spread> parseSpread(const JsonField& object, const char* key, bool required)
{
    const auto field = object.find(key);
    if (!field || !field->has("median")) {
        if (required)
            return object.wrong(std::string(key) + " with a median");
        return Spread{};
    }
    Spread out;
    SA_TRY(out.median, field->doubleOr("median", kNoNumber, 0, kMaxSeconds));
    SA_TRY(out.low, field->doubleOr("low", out.median, 0, kMaxSeconds));
    SA_TRY(out.high, field->doubleOr("high", out.median, 0, kMaxSeconds));
    return out;
}

Result<LatencyAtLength> parseLength(const JsonField& field)
{
    LatencyAtLength out;
    SA_TRY(const std::int64_t tokens, field.intAt("prompt_tokens", 1, 100'000'000));
    SA_TRY(const std::int64_t cache, field.intOr("cache_bytes", 0, 0, kMaxBytes));
    SA_TRY(out.firstToken, parseSpread(field, "first_token_seconds", true));
    SA_TRY(out.decode, parseSpread(field, "decode_seconds_per_token", false));
    SA_TRY(out.decodeJoules, parseSpread(field, "decode_joules_per_token", false));
    SA_TRY(out.prefillJoules, parseSpread(field, "prefill_joules", false));
    out.promptTokens = static_cast<int>(tokens);
    out.cacheBytes = static_cast<std::uint64_t>(cache);
    return out;
}

Result<std::uint64_t> bytesAt(const JsonField& field, const char* key)
{
    SA_TRY(const std::int64_t bytes, field.intOr(key, 0, 0, kMaxBytes));
    return static_cast<std::uint64_t>(bytes);
}

Result<MeasuredModel> parseModel(const JsonField& field, LatencyResult& whole)
{
    MeasuredModel out;
    SA_TRY(const std::string folder, field.stringAt("model"));
    out.folder = fromUtf8(folder);
    SA_TRY(const JsonField lengths, field.at("lengths"));
    SA_TRY(const auto elements, lengths.elements(1000));
    for (const JsonField& element : elements) {
        SA_TRY(LatencyAtLength length, parseLength(element));
        out.lengths.push_back(length);
    }
    if (out.lengths.empty())
        return lengths.wrong("at least one prompt length");
    std::sort(out.lengths.begin(), out.lengths.end(),
              [](const auto& a, const auto& b) { return a.promptTokens < b.promptTokens; });
    SA_TRY(const JsonField memory, field.at("memory"));
    SA_TRY(const std::uint64_t linears, bytesAt(memory, "linear_bytes"));
    SA_TRY(const std::uint64_t embeddings, bytesAt(memory, "embedding_bytes"));
    out.weightBytes = linears + embeddings;
    out.linearBytes = linears;
    SA_TRY(out.cacheBytes, bytesAt(memory, "cache_bytes"));
    SA_TRY(out.scratchBytes, bytesAt(memory, "scratch_bytes"));
    if (const auto calculated = field.find("calculated")) {
        SA_TRY(const double microjoules, calculated->doubleOr("microjoules", kNoNumber, 0, 1e15));
        SA_TRY(const std::string table, calculated->stringOr("energy", {}));
        SA_TRY(const std::int64_t context, calculated->intOr("context", 0, 0, 100'000'000));
        out.calculatedJoules = 1e-6 * microjoules;
        whole.energyTable = fromUtf8(table);
        whole.energyContext = static_cast<int>(context);
    }
    return out;
}

bool isApart(const Spread& a, const Spread& b)
{
    return (a.high < b.low || b.high < a.low) && std::abs(a.median / b.median - 1) > kNoDifference;
}

/// Two digits that count; whole numbers from ten on.
QString ratioText(double ratio)
{
    return ratio >= 10 ? decimalText(ratio, 0) : ratio >= 0.995 ? decimalText(ratio, 1) : decimalText(ratio, 2);
}

} // namespace

Result<LatencyResult> parseLatencyResult(const Json& result)
{
    const JsonField root(result, {}, "result");
    LatencyResult out;
    SA_TRY(const JsonField models, root.at("models"));
    SA_TRY(const auto elements, models.elements(2));
    for (const JsonField& element : elements) {
        SA_TRY(MeasuredModel model, parseModel(element, out));
        if (!out.models.empty() && model.lengths.size() != out.models.front().lengths.size())
            return element.wrong("the prompt lengths of the first model");
        out.models.push_back(std::move(model));
    }
    if (out.models.empty())
        return models.wrong("one or two models");
    for (const auto& [key, value] : {std::pair{"decode_tokens", &out.decodeTokens},
                                     {"repeats", &out.repeats},
                                     {"warmup", &out.warmup},
                                     {"threads", &out.threads}}) {
        SA_TRY(const std::int64_t number, root.intOr(key, 0, 0, 1'000'000));
        *value = static_cast<int>(number);
    }
    SA_TRY(const std::string device, root.stringOr("device", "cpu"));
    SA_TRY(const std::string source, root.stringOr("energy_source", {}));
    out.device = fromUtf8(device);
    out.energySource = fromUtf8(source);
    out.raw = result;
    return out;
}

QString latencyHeadline(const LatencyResult& result)
{
    const LatencyAtLength& before = result.models.front().lengths.back();
    const LatencyAtLength& after = result.models.back().lengths.back();
    const bool decodes = before.decode.isKnown() && after.decode.isKnown();
    const Spread& first = decodes ? before.decode : before.firstToken;
    const Spread& second = decodes ? after.decode : after.firstToken;
    if (result.models.size() < 2)
        return decodes ? tr("Decodes %1 tokens a second").arg(decimalText(second.median > 0 ? 1 / second.median : 0, 1))
                       : tr("The first token comes after %1 ms").arg(millisecondsText(second.median));
    const double faster = first.median / second.median;
    const double memory = static_cast<double>(result.models[1].memoryBytes()) /
                          static_cast<double>(std::max<std::uint64_t>(1, result.models[0].memoryBytes()));
    QString speed;
    if (!isApart(first, second))
        speed = decodes ? tr("Decodes as fast") : tr("Reads prompts as fast");
    else if (faster > 1)
        speed =
            (decodes ? tr("Decodes %1 times as fast") : tr("Reads prompts %1 times as fast")).arg(ratioText(faster));
    else
        speed = (decodes ? tr("Slower: decodes at %1 of the speed") : tr("Slower: reads prompts at %1 of the speed"))
                    .arg(ratioText(faster));
    return memory <= 1 ? tr("%1, in %2 of the memory").arg(speed, ratioText(memory))
                       : tr("%1, in %2 times the memory").arg(speed, ratioText(memory));
}

QString latencyDetails(const LatencyResult& result)
{
    const LatencyAtLength& last = result.models.back().lengths.back();
    QStringList parts;
    if (result.models.size() == 2) {
        const LatencyAtLength& before = result.models.front().lengths.back();
        if (last.decode.isKnown() && before.decode.isKnown())
            parts += tr("%1 ms a token against %2 ms after a prompt of %3 tokens")
                         .arg(millisecondsText(last.decode.median), millisecondsText(before.decode.median),
                              countText(last.promptTokens));
    }
    parts += tr("median of %1, the models in turns").arg(countText(result.repeats));
    if (result.threads > 0 && result.device == QLatin1String("cpu"))
        parts += result.threads == 1 ? tr("1 thread") : tr("%1 threads").arg(countText(result.threads));
    else
        parts += shown(result.device, 40);
    return parts.join(QStringLiteral("  ·  "));
}

std::string latencyCsv(const LatencyResult& result)
{
    QString out = QStringLiteral("model,prompt_tokens,first_token_seconds,first_token_low,first_token_high,"
                                 "decode_seconds_per_token,decode_low,decode_high,decode_joules_per_token,"
                                 "calculated_joules_per_token,weight_bytes,cache_bytes,scratch_bytes\n");
    const auto number = [](double value) {
        return std::isfinite(value) ? QString::number(value, 'g', QLocale::FloatingPointShortest) : QString();
    };
    for (const MeasuredModel& model : result.models) {
        QString folder = model.folder;
        folder.replace(u'"', QStringLiteral("\"\""));
        for (const LatencyAtLength& at : model.lengths) {
            QStringList cells{u'"' + folder + u'"', QString::number(at.promptTokens)};
            for (const Spread* spread : {&at.firstToken, &at.decode})
                cells += {number(spread->median), number(spread->low), number(spread->high)};
            cells +=
                {number(at.decodeJoules.median), number(model.calculatedJoules), QString::number(model.weightBytes),
                 QString::number(at.cacheBytes), QString::number(model.scratchBytes)};
            out += cells.join(u',') + u'\n';
        }
    }
    return toUtf8(out);
}

QString millisecondsText(double seconds)
{
    const double ms = 1000 * seconds;
    return decimalText(ms, ms < 1 ? 3 : ms < 10 ? 2 : ms < 100 ? 1 : 0);
}

QString energyText(double joules)
{
    if (!std::isfinite(joules))
        return decimalText(joules, 0);
    struct Unit {
        double joules;
        const char* name;
    };
    for (const Unit& unit : {Unit{1, "J"}, Unit{1e-3, "mJ"}, Unit{1e-6, "µJ"}, Unit{1e-9, "nJ"}})
        if (joules >= unit.joules || unit.joules < 1e-8)
            return QStringLiteral("%1 %2").arg(significantText(joules / unit.joules, 3), QString::fromUtf8(unit.name));
    return {};
}

} // namespace sa::ui
