// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/cockpit/plan_commands.h"

#include "ui/text.h"

#include <QCoreApplication>

#include <algorithm>

namespace sa::ui
{

namespace
{

const char* const kSensitivityFile = "sensitivity.json";
const char* const kPlanFile = "plan.json";

QStringList words(const JobSpec& spec)
{
    QStringList out;
    for (const std::string& word : commandLine(spec))
        out += fromUtf8(word);
    return out;
}

/// `links` of the plan as `--link` takes them; nothing where it has no words for them.
std::optional<std::vector<std::string>> linkOptions(const AllocationDocument& document)
{
    const auto& links = document.inputs().constraints.links;
    if (links.empty())
        return std::vector<std::string>();
    if (links == linksBySharedInput(document.sensitivity()))
        return std::vector<std::string>{"shared"};
    std::string projections;
    std::vector<std::string> words;
    for (const std::string& name : links.front()) {
        const int linear = document.indexOf(name);
        if (linear < 0)
            return {};
        words.push_back(document.sensitivity().linears[static_cast<std::size_t>(linear)].projection);
        projections += (projections.empty() ? "" : ",") + words.back();
    }
    const auto same = linksByProjection(document.sensitivity(), words);
    return same && *same == links ? std::optional(std::vector<std::string>{projections}) : std::nullopt;
}

QStringList allocateCommand(const AllocationDocument& document, const std::vector<std::string>& links)
{
    const PlanInputs& inputs = document.inputs();
    QStringList out{QStringLiteral("shiftadd"), QStringLiteral("allocate"), QString::fromLatin1(kSensitivityFile)};
    if (document.plans())
        out << QStringLiteral("--bytes")
            << QString::number(document.effectiveBudget() + document.sensitivity().otherBytes);
    if (inputs.rule != Rule::Optimal)
        out << QStringLiteral("--rule") << QString::fromLatin1(name(inputs.rule));
    for (const auto& [linear, rule] : inputs.constraints.rules) {
        const QString of = fromUtf8(linear);
        if (rule.excluded)
            out << QStringLiteral("--exclude") << of;
        else if (rule.pin)
            out << QStringLiteral("--pin") << QStringLiteral("%1=%2").arg(of).arg(*rule.pin);
        else
            out << QStringLiteral("--range")
                << QStringLiteral("%1=%2..%3").arg(of).arg(rule.low.value_or(1)).arg(rule.high.value_or(kKeptBits));
    }
    for (const std::string& link : links)
        out << QStringLiteral("--link") << fromUtf8(link);
    return out << QStringLiteral("--out") << QString::fromLatin1(kPlanFile);
}

} // namespace

AnalyzeSpec analyzeSpec(const ModelSummary& model, const QuantizeSpec& settings)
{
    AnalyzeSpec spec;
    const int samples = spec.samples;
    static_cast<QuantizerOptions&>(spec) = settings;
    spec.samples = std::min(samples, settings.samples);
    spec.model = toUtf8(model.folder);
    spec.threads = settings.threads;
    spec.device = settings.device;
    return spec;
}

PlanCommands planCommands(const AllocationDocument& document, const AnalyzeSpec& analysis, const QuantizeSpec& settings)
{
    AnalyzeSpec analyze = analysis;
    analyze.saveTo = kSensitivityFile;
    QuantizeSpec quantize = settings;
    quantize.plan = kPlanFile;
    quantize.bits = QuantizeSpec().bits;
    if (const auto links = linkOptions(document))
        return {{words(analyze), allocateCommand(document, *links), words(quantize)}, {}};
    return {
        {words(quantize)},
        QCoreApplication::translate("sa::ui::PlanCommands",
                                    "Save the plan as plan.json first: these links have no words on a command line.")};
}

} // namespace sa::ui
