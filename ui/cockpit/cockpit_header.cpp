// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/cockpit/cockpit_header.h"

#include "core/protocol/messages.h"
#include "ui/style/icons.h"
#include "ui/text.h"
#include "ui/widgets/parts.h"

#include <QAction>
#include <QComboBox>
#include <QHBoxLayout>
#include <QMenu>
#include <QProgressBar>
#include <QSignalBlocker>
#include <QToolButton>

#include <algorithm>
#include <cmath>

namespace sa::ui
{

namespace
{

constexpr int kBarSteps = 1000;
constexpr int kBarWidth = 120;

QString ruleName(Rule rule)
{
    switch (rule) {
    case Rule::Optimal:
        return CockpitHeader::tr("Optimal");
    case Rule::SortAndCut:
        return CockpitHeader::tr("Sort and cut (paper)");
    case Rule::PerLayer:
        return CockpitHeader::tr("Per layer (paper)");
    case Rule::Uniform:
        return CockpitHeader::tr("Uniform");
    case Rule::Manual:
        break; // of plan files; nobody chooses it
    }
    return {};
}

QString ruleMeaning(Rule rule)
{
    switch (rule) {
    case Rule::Optimal:
        return CockpitHeader::tr("The least predicted damage that fits into the budget, proven");
    case Rule::SortAndCut:
        return CockpitHeader::tr("What the paper's code does: sort layers by a score and cut the list. For comparison");
    case Rule::PerLayer:
        return CockpitHeader::tr(
            "Equation 4 of the paper: a mean of bits over layers, whatever their size. For comparison");
    case Rule::Uniform:
        return CockpitHeader::tr("The same bits for every layer. For comparison");
    case Rule::Manual:
        break;
    }
    return {};
}

} // namespace

CockpitHeader::CockpitHeader(AllocationDocument& document, QWidget* parent)
    : QWidget(parent)
    , m_document(document)
{
    m_status = makeMuted({}, this);
    m_status->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Fixed);
    m_bar = new QProgressBar(this);
    setRole(m_bar, "status");
    m_bar->setRange(0, kBarSteps);
    m_bar->setTextVisible(false);
    m_bar->setFixedWidth(kBarWidth);
    m_bar->setAccessibleName(tr("Progress of the analysis"));
    m_bar->hide();
    m_rule = new QComboBox(this);
    m_rule->setAccessibleName(tr("Rule that makes the plan"));
    for (const Rule rule : {Rule::Optimal, Rule::SortAndCut, Rule::PerLayer, Rule::Uniform}) {
        m_rule->addItem(ruleName(rule), static_cast<int>(rule));
        m_rule->setItemData(m_rule->count() - 1, ruleMeaning(rule), Qt::ToolTipRole);
    }
    connect(m_rule, &QComboBox::currentIndexChanged, this,
            [this] { m_document.setRule(static_cast<Rule>(m_rule->currentData().toInt())); });
    m_more = makeIconButton(QStringLiteral("more"), tr("Plan: save, load, export"), this);
    m_menu = new QMenu(m_more);
    m_menu->setToolTipsVisible(true);
    m_more->setMenu(m_menu);
    m_more->setPopupMode(QToolButton::InstantPopup);
    m_analyze = makeButton(tr("Analyze"), QStringLiteral("analyze"), this);
    connect(m_analyze, &QPushButton::clicked, this,
            [this] { m_work == Work::Measuring ? Q_EMIT cancelRequested() : Q_EMIT analyzeRequested(); });
    m_compress = makePrimaryButton(tr("Compress with this plan"), QStringLiteral("compress"), this);
    m_compress->setToolTip(tr("Takes the plan to the Compress page"));
    connect(m_compress, &QPushButton::clicked, this, &CockpitHeader::compressRequested);

    auto* below = new QHBoxLayout;
    tighten(below, space::kSmall);
    below->addWidget(m_bar);
    below->addWidget(m_status, 1);
    auto* titles = new QVBoxLayout;
    tighten(titles, 1);
    titles->addWidget(makeTitle(tr("Bit budget"), 1.5, this));
    titles->addLayout(below);
    m_icons = new QHBoxLayout;
    tighten(m_icons, 2);
    auto* layout = new QHBoxLayout(this);
    tighten(layout, space::kSmall);
    layout->addLayout(titles, 1);
    auto* ruleLabel = makeMuted(tr("Rule"), this);
    ruleLabel->setBuddy(m_rule);
    layout->addWidget(ruleLabel);
    layout->addWidget(m_rule);
    layout->addLayout(m_icons);
    layout->addWidget(m_more);
    layout->addWidget(m_analyze);
    layout->addWidget(m_compress);
    connect(&document, &AllocationDocument::figuresChanged, this, &CockpitHeader::refresh);
    connect(&document, &AllocationDocument::reset, this, [this] {
        refreshRule();
        refresh();
    });
    connect(&document, &AllocationDocument::inputsChanged, this, [this] {
        if (!m_document.isDragging())
            refreshRule();
    });
    connect(&document, &AllocationDocument::allocationChanged, this, [this] {
        m_compress->setEnabled(m_blocked.isEmpty() && m_document.allocation() && !m_document.problem());
    });
    connect(&document, &AllocationDocument::problemChanged, this, &CockpitHeader::refresh);
    refresh();
}

void CockpitHeader::addIconAction(QAction* action)
{
    auto* button = new QToolButton(this);
    button->setDefaultAction(action);
    button->setIconSize({16, 16});
    button->setFocusPolicy(Qt::StrongFocus);
    button->setToolButtonStyle(Qt::ToolButtonIconOnly);
    m_icons->addWidget(button);
}

void CockpitHeader::refreshRule()
{
    const QSignalBlocker blocker(m_rule);
    m_rule->setCurrentIndex(m_rule->findData(static_cast<int>(m_document.inputs().rule)));
    m_rule->setToolTip(ruleMeaning(m_document.inputs().rule));
}

void CockpitHeader::setWork(Work work)
{
    m_work = work;
    m_progress.clear();
    m_bar->setValue(0);
    refresh();
}

void CockpitHeader::setProgress(const Progress& progress)
{
    QStringList parts{phaseText(progress.phase)};
    if (progress.of > 0)
        parts += tr("%1 of %2 %3")
                     .arg(countText(std::llround(progress.done)), countText(std::llround(progress.of)),
                          shown(progress.unit, 20));
    if (progress.remainingSeconds && progress.done < progress.of)
        parts += tr("%1 left").arg(durationText(*progress.remainingSeconds));
    m_progress = parts.join(QStringLiteral("  ·  "));
    m_bar->setValue(static_cast<int>(progress.fraction() * kBarSteps));
    refresh();
}

void CockpitHeader::setBlocked(const QString& reason)
{
    m_blocked = reason;
    refresh();
}

QString CockpitHeader::status() const
{
    return m_status->text();
}

QString CockpitHeader::activityText() const
{
    return m_progress.isEmpty() ? tr("Analyzing") : m_progress;
}

double CockpitHeader::fraction() const
{
    return static_cast<double>(m_bar->value()) / kBarSteps;
}

void CockpitHeader::refresh()
{
    int measured = 0, estimated = 0, stale = 0, failed = 0;
    for (const LinearSensitivity& linear : m_document.sensitivity().linears) {
        const auto of = [&linear](Provenance provenance) {
            return std::any_of(linear.choices.begin(), linear.choices.end(), [provenance](const Choice& choice) {
                return choice.bits != kKeptBits && choice.error.provenance == provenance;
            });
        };
        if (of(Provenance::Failed))
            ++failed;
        else if (of(Provenance::Measured))
            ++(m_document.isStale() ? stale : measured);
        else if (of(Provenance::Stale))
            ++stale;
        else if (linear.weightScore.known())
            ++estimated;
    }
    const Sensitivity& all = m_document.sensitivity();
    const auto& calibration = all.calibration;
    QString text;
    if (m_work == Work::Cancelling)
        text = tr("Stopping. What is measured stays.");
    else if (m_work != Work::None)
        text = m_progress.isEmpty() ? tr("Starting") : m_progress;
    else if (stale > 0)
        text = tr("Measured with other settings than the Compress page has now. Analyze again to be sure.");
    else if (failed > 0)
        text = tr("%1 could not be measured; their tool tips say why.")
                   .arg(counted(failed, tr("1 layer"), tr("%1 layers")));
    else if (measured > 0 && estimated > 0)
        text = tr("%1 of %2 layers measured, the others estimated.").arg(measured).arg(measured + estimated);
    else if (measured > 0)
        text = calibration.samples > 0 ? tr("Measured on %1 windows of %2 tokens.")
                                             .arg(countText(calibration.samples), countText(calibration.seqlen))
                                       : tr("Measured.");
    else if (estimated > 0)
        text = tr("Estimated from the weights alone. Analyze measures every layer.");
    else
        text = tr("Nothing is known of the layers yet. Analyze measures them.");
    if (m_work == Work::None && stale == 0 && failed == 0 && measured > 0 && all.forwardPasses > 0)
        text += u' ' + (all.forwardPasses == 1 ? tr("One pass of the model.")
                                               : tr("%1 passes of the model.").arg(countText(all.forwardPasses)));
    m_status->setText(text);
    QString spent;
    if (all.tokens > 0 && (measured > 0 || stale > 0))
        spent = u' ' + tr("Damages are means over %1 tokens of text that was held out.").arg(countText(all.tokens));
    m_status->setToolTip(text + spent);
    setTone(m_status, m_work == Work::None && (stale > 0 || failed > 0) ? Tone::Warning : Tone::Plain);
    m_bar->setVisible(m_work == Work::Measuring || m_work == Work::Estimating);
    m_bar->setAccessibleDescription(text);
    const bool measuring = m_work == Work::Measuring || m_work == Work::Cancelling;
    m_analyze->setText(measuring ? tr("Cancel") : tr("Analyze"));
    m_analyze->setIcon(icon(measuring ? QStringLiteral("stop") : QStringLiteral("analyze")));
    m_analyze->setEnabled(m_work == Work::Measuring ||
                          (m_work != Work::Cancelling && m_blocked.isEmpty() && !m_document.isEmpty()));
    m_analyze->setToolTip(
        m_blocked.isEmpty()
            ? tr("Measure what every layer suffers at every width, with the settings of the Compress page")
            : m_blocked);
    m_compress->setEnabled(m_document.allocation() && !m_document.problem());
    m_rule->setEnabled(m_document.plans() != nullptr);
}

} // namespace sa::ui
