// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/measure/report_form.h"

#include "ui/jobs/bundled_files.h"
#include "ui/text.h"
#include "ui/widgets/form_card.h"
#include "ui/widgets/parts.h"
#include "ui/widgets/path_edit.h"

#include <QCheckBox>
#include <QDoubleSpinBox>
#include <QHBoxLayout>
#include <QLineEdit>
#include <QSpinBox>

namespace sa::ui
{

namespace
{

constexpr int kDefaultWindows = 40;
constexpr int kDefaultItems = 100;

} // namespace

ReportForm::ReportForm(QWidget* parent)
    : QWidget(parent)
{
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, space::kSmall, 0);
    layout->setSpacing(space::kMedium);
    layout->addWidget(makeContents());
    layout->addWidget(makeLimits());
    layout->addStretch();
    refresh();
}

QWidget* ReportForm::makeContents()
{
    auto* card = new FormCard(tr("What goes in"), this);
    m_text = new QCheckBox(tr("Perplexity and divergence on a text"), card);
    m_text->setToolTip(tr("How surprised both models are by real text, and how far their predictions are apart"));
    m_text->setChecked(true);
    m_file = new PathEdit(PathEdit::Kind::File, tr("Text to measure on"), card);
    m_file->setPlaceholder(tr("The bundled excerpt"));
    m_windows = makeSpin(1, 99'999, kDefaultWindows, tr("Windows of 512 tokens"),
                         tr("Parts of the text that are read. More is slower and more certain"), card);
    m_tasks = new QCheckBox(tr("Zero-shot tasks"), card);
    m_tasks->setToolTip(tr("Multiple-choice questions, asked as the public harness asks them"));
    m_taskNames = new QLineEdit(QStringLiteral("arc_easy, copa"), card);
    m_taskNames->setAccessibleName(tr("Names of the tasks"));
    m_taskNames->setAcceptDrops(false); // a dropped folder opens, wherever it falls
    m_items =
        makeSpin(1, 99'999, kDefaultItems, tr("Items of each task"), tr("At most so many questions a task"), card);
    m_latency = new QCheckBox(tr("Times and memory"), card);
    m_latency->setToolTip(tr("The last measurement of the Latency page, or a new one where there is none"));
    card->addWide(m_text);
    card->addRow(tr("Text"), m_file);
    card->addRow(tr("Windows"), m_windows);
    card->addWide(m_tasks);
    card->addRow(tr("Tasks"), m_taskNames);
    card->addRow(tr("Items each"), m_items);
    card->addWide(m_latency);
    for (QCheckBox* box : {m_text, m_tasks, m_latency})
        connect(box, &QCheckBox::toggled, this, &ReportForm::refresh);
    connect(m_taskNames, &QLineEdit::textChanged, this, &ReportForm::refresh);
    connect(m_file, &PathEdit::pathChanged, this, &ReportForm::refresh);
    return card;
}

QWidget* ReportForm::makeLimits()
{
    auto* card = new FormCard(tr("Limits"), this);
    card->addWide(makeCaption(tr("An export past one of them asks for a reason, and records it."), card));
    const auto add = [&](Limit& limit, const QString& name, double value, double step, int decimals,
                         const QString& suffix, const QString& meaning) {
        limit.wanted = new QCheckBox(name, card);
        limit.wanted->setToolTip(meaning);
        limit.value = new QDoubleSpinBox(card);
        limit.value->setDecimals(decimals);
        limit.value->setRange(0, 10'000);
        limit.value->setSingleStep(step);
        limit.value->setValue(value);
        limit.value->setSuffix(suffix);
        limit.value->setAlignment(Qt::AlignRight);
        limit.value->setAccessibleName(name);
        limit.value->setToolTip(meaning);
        auto* row = new QWidget(card);
        auto* line = new QHBoxLayout(row);
        tighten(line, space::kSmall);
        line->addWidget(limit.wanted, 1);
        line->addWidget(limit.value);
        card->addWide(row);
        connect(limit.wanted, &QCheckBox::toggled, this, &ReportForm::refresh);
    };
    add(m_kl, tr("Mean KL at most"), 0.05, 0.01, 3, tr(" nats"),
        tr("How far the predictions may be from the original's, on average"));
    add(m_perplexity, tr("Perplexity at most"), 3, 0.5, 1, tr(" % more"), tr("Than the original's, on the same text"));
    add(m_accuracy, tr("Tasks lose at most"), 2, 0.5, 1, tr(" points"),
        tr("Of a hundred questions, in the task that suffers most"));
    m_accuracy.value->setMaximum(100);
    m_kl.wanted->setChecked(true);
    m_perplexity.wanted->setChecked(true);
    return card;
}

void ReportForm::refresh()
{
    for (QWidget* field : {static_cast<QWidget*>(m_file), static_cast<QWidget*>(m_windows)})
        field->setEnabled(m_text->isChecked());
    for (QWidget* field : {static_cast<QWidget*>(m_taskNames), static_cast<QWidget*>(m_items)})
        field->setEnabled(m_tasks->isChecked());
    if (!m_accuracy.wanted)
        return; // under construction
    for (const Limit& limit : {m_kl, m_perplexity}) {
        limit.wanted->setEnabled(m_text->isChecked());
        limit.value->setEnabled(m_text->isChecked() && limit.wanted->isChecked());
    }
    m_accuracy.wanted->setEnabled(m_tasks->isChecked());
    m_accuracy.value->setEnabled(m_tasks->isChecked() && m_accuracy.wanted->isChecked());
    Q_EMIT changed();
}

std::optional<double> ReportForm::valueOf(const Limit& limit)
{
    return limit.wanted->isEnabled() && limit.wanted->isChecked() ? std::optional(limit.value->value()) : std::nullopt;
}

QString ReportForm::obstacle() const
{
    const bool hasText = m_text->isChecked() && (!m_file->path().isEmpty() || !bundledEvaluationText().isEmpty());
    const bool hasTasks = m_tasks->isChecked() && !m_taskNames->text().trimmed().isEmpty();
    if (!hasText && !hasTasks)
        return tr("Choose a text or tasks: a report without either says nothing.");
    return {};
}

ReportPlan ReportForm::plan(const QString& original, const QString& compressed) const
{
    ReportPlan plan;
    EvaluateSpec& evaluate = plan.spec.evaluate;
    evaluate.model = toUtf8(compressed);
    evaluate.reference = toUtf8(original);
    if (m_text->isChecked()) {
        const QString file = m_file->path().trimmed().isEmpty() ? bundledEvaluationText() : m_file->path().trimmed();
        evaluate.text = toUtf8(file);
        evaluate.join = isRawWikiText(file) ? "raw" : "none";
        evaluate.maxWindows = m_windows->value();
    }
    if (m_tasks->isChecked()) {
        for (const QString& name : m_taskNames->text().split(u',', Qt::SkipEmptyParts))
            evaluate.tasks.push_back(toUtf8(name.trimmed()));
        evaluate.limit = m_items->value();
    }
    plan.spec.maxKl = valueOf(m_kl);
    plan.spec.maxPerplexityIncrease = valueOf(m_perplexity);
    plan.spec.maxAccuracyLoss = valueOf(m_accuracy);
    plan.latency = m_latency->isChecked();
    return plan;
}

void ReportForm::setPlan(const ReportPlan& plan)
{
    const EvaluateSpec& evaluate = plan.spec.evaluate;
    m_text->setChecked(!evaluate.text.empty());
    m_tasks->setChecked(!evaluate.tasks.empty());
    m_latency->setChecked(plan.latency);
    if (evaluate.maxWindows)
        m_windows->setValue(*evaluate.maxWindows);
    if (evaluate.limit)
        m_items->setValue(*evaluate.limit);
    if (!evaluate.text.empty() && fromUtf8(evaluate.text) != bundledEvaluationText())
        m_file->setPath(fromUtf8(evaluate.text));
    QStringList names;
    for (const std::string& name : evaluate.tasks)
        names += fromUtf8(name);
    if (!names.isEmpty())
        m_taskNames->setText(names.join(QStringLiteral(", ")));
    for (const auto& [limit, value] : {std::pair{&m_kl, plan.spec.maxKl},
                                       {&m_perplexity, plan.spec.maxPerplexityIncrease},
                                       {&m_accuracy, plan.spec.maxAccuracyLoss}}) {
        limit->wanted->setChecked(value.has_value());
        if (value)
            limit->value->setValue(*value);
    }
    refresh();
}

} // namespace sa::ui
