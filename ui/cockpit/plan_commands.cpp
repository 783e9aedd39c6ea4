// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/cockpit/plan_commands.h"

#include "ui/text.h"

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

QStringList allocateCommand(const AllocationDocument& document)
{
    const PlanInputs& inputs = document.inputs();
    QStringList out{QStringLiteral("shiftadd"), QStringLiteral("allocate"), QString::fromLatin1(kSensitivityFile)};
    if (document.plans())
        out << QStringLiteral("--bytes") << QString::number(document.effectiveBudget() + document.sensitivity().otherBytes);
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
    for (const auto& group : inputs.constraints.links) {
        QStringList names;
        for (const std::string& linear : group)
            names += fromUtf8(linear);
        out << QStringLiteral("--link") << names.join(u',');
    }
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

QList<QStringList> planCommands(const AllocationDocument& document, const AnalyzeSpec& analysis,
                                const QuantizeSpec& settings)
{
    AnalyzeSpec analyze = analysis;
    analyze.saveTo = kSensitivityFile;
    QuantizeSpec quantize = settings;
    quantize.plan = kPlanFile;
    quantize.bits = QuantizeSpec().bits;
    return {words(analyze), allocateCommand(document), words(quantize)};
}

} // namespace sa::ui
