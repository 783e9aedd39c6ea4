// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/measure/job_strip.h"

#include "ui/text.h"
#include "ui/widgets/parts.h"

#include <QHBoxLayout>
#include <QProgressBar>

#include <cmath>

namespace sa::ui
{

namespace
{

constexpr int kBarSteps = 1000;

} // namespace

JobStrip::JobStrip(QWidget* parent)
    : QFrame(parent)
{
    setRole(this, "card");
    m_what = makeTitle({}, 1.08, this);
    m_step = makeMuted({}, this);
    m_percent = makeTitle({}, 1.08, this);
    m_bar = new QProgressBar(this);
    m_bar->setRange(0, kBarSteps);
    m_bar->setTextVisible(false);
    m_bar->setAccessibleName(tr("Progress of the measurement"));
    m_numbers = makeMuted({}, this);
    m_cancel = makeButton(tr("Cancel"), QStringLiteral("stop"), this);
    connect(m_cancel, &QPushButton::clicked, this, &JobStrip::cancelRequested);
    auto* top = new QHBoxLayout;
    tighten(top, space::kMedium);
    top->addWidget(m_what);
    top->addWidget(m_step, 1);
    top->addWidget(m_percent);
    auto* bottom = new QHBoxLayout;
    tighten(bottom, space::kMedium);
    bottom->addWidget(m_numbers, 1);
    bottom->addWidget(m_cancel);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(20, space::kLarge, 20, space::kMedium);
    layout->setSpacing(10);
    layout->addLayout(top);
    layout->addWidget(m_bar);
    layout->addLayout(bottom);
}

void JobStrip::begin(const QString& what, const QString& meaning)
{
    m_cancelling = false;
    m_cancel->setEnabled(true);
    m_cancel->setToolTip(meaning);
    setWhat(what);
}

void JobStrip::setWhat(const QString& what)
{
    m_what->setText(what);
    m_step->clear();
    m_percent->clear();
    m_numbers->setText(tr("Starting"));
    m_bar->setValue(0);
}

void JobStrip::setProgress(const Progress& progress)
{
    if (m_cancelling)
        return;
    QStringList numbers;
    if (progress.of > 0)
        numbers += tr("%1 of %2 %3")
                       .arg(countText(std::llround(progress.done)), countText(std::llround(progress.of)),
                            shown(progress.unit, 20));
    if (progress.rate)
        numbers += rateText(*progress.rate, shown(progress.unit, 20));
    if (progress.remainingSeconds && progress.done < progress.of)
        numbers += tr("%1 left").arg(durationText(*progress.remainingSeconds));
    m_step->setText(progress.phase == "evaluate" || progress.phase.empty() ? shown(progress.step, 80)
                    : progress.phase == "open"                             ? tr("Loading the model")
                                                                           : phaseText(progress.phase));
    m_percent->setText(percentText(progress.fraction(), 0));
    m_numbers->setText(numbers.join(QStringLiteral("  ·  ")));
    m_bar->setValue(static_cast<int>(progress.fraction() * kBarSteps));
    m_bar->setAccessibleDescription(text());
}

void JobStrip::setCancelling()
{
    m_cancelling = true;
    m_cancel->setEnabled(false);
    m_numbers->setText(tr("Stopping"));
}

QString JobStrip::text() const
{
    return m_what->text() + QStringLiteral("  ·  ") + m_numbers->text();
}

double JobStrip::fraction() const
{
    return static_cast<double>(m_bar->value()) / kBarSteps;
}

} // namespace sa::ui
