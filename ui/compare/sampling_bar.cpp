// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/compare/sampling_bar.h"

#include "ui/text.h"
#include "ui/widgets/form_card.h"
#include "ui/widgets/parts.h"
#include "ui/widgets/segmented_control.h"

#include <QDoubleSpinBox>
#include <QHBoxLayout>
#include <QLineEdit>
#include <QSpinBox>

#include <algorithm>
#include <utility>

namespace sa::ui
{

namespace
{

constexpr int kLikeliest = 0, kRandom = 1;
constexpr int kAtOnce = 0, kInTurn = 1;
constexpr int kMaxSeed = 999'999'999;

QDoubleSpinBox* makeDecimal(double min, double max, double step, const QString& name, const QString& meaning,
                            QWidget* parent)
{
    auto* spin = new QDoubleSpinBox(parent);
    spin->setRange(min, max);
    spin->setSingleStep(step);
    spin->setDecimals(2);
    spin->setAlignment(Qt::AlignRight);
    spin->setAccessibleName(name);
    spin->setToolTip(plainToolTip(meaning));
    return spin;
}

} // namespace

SamplingBar::SamplingBar(QWidget* parent)
    : QWidget(parent)
{
    m_choice = new SegmentedControl(this);
    m_choice->setSizePolicy(QSizePolicy::Maximum, QSizePolicy::Preferred);
    m_choice->addSegment(kLikeliest, tr("Likeliest token"),
                         tr("Both models always take their likeliest token: what differs comes from the models"));
    m_choice->addSegment(kRandom, tr("Sampled"),
                         tr("Tokens are drawn at random, with the same random numbers for both models"));
    m_temperature =
        makeDecimal(0.05, 5, 0.05, tr("Temperature"), tr("Below 1: safer choices. Above: wilder ones"), this);
    m_topP =
        makeDecimal(0.05, 1, 0.05, tr("Top-p"), tr("Only the likeliest tokens that together have this share"), this);
    m_seed = makeSpin(0, kMaxSeed, 0, tr("Seed"), tr("The same seed gives the same answer again"), this);
    m_length = makeSpin(1, 8192, 256, tr("Longest answer"), tr("An answer ends here at the latest"), this);
    m_length->setSuffix(tr(" tokens"));
    m_system = new QLineEdit(this);
    m_system->setPlaceholderText(tr("System message (optional): how both models should behave"));
    m_system->setAccessibleName(tr("System message"));
    m_system->setAcceptDrops(false);
    m_order = new SegmentedControl(this);
    m_order->addSegment(kAtOnce, tr("At once"), tr("Two worker processes, both models in memory"));
    m_order->addSegment(kInTurn, tr("In turn"),
                        tr("One worker process, one model in memory at a time; speeds do not disturb each other"));
    m_memory = makeMuted({}, this);
    m_memory->setSizePolicy(QSizePolicy::Maximum, QSizePolicy::Preferred);
    m_system->setMinimumWidth(140);

    auto* row = m_row = new QHBoxLayout;
    tighten(row, space::kSmall);
    row->addWidget(m_choice);
    const auto labelled = [&](const QString& text, QWidget* field) {
        QLabel* label = makeMuted(text, this);
        row->addWidget(label);
        row->addWidget(field);
        m_randomOnly += {label, field};
    };
    labelled(tr("Temperature"), m_temperature);
    labelled(tr("Top-p"), m_topP);
    labelled(tr("Seed"), m_seed);
    row->addWidget(m_length);
    row->addStretch();
    auto* second = new QHBoxLayout;
    tighten(second, space::kSmall);
    second->addWidget(m_system, 1);
    second->addSpacing(space::kSmall);
    second->addWidget(m_memory);
    second->addWidget(m_order);
    auto* rows = new QVBoxLayout(this);
    tighten(rows, space::kSmall);
    rows->addLayout(row);
    rows->addLayout(second);

    const auto changed = [this] {
        refresh();
        if (!m_setting)
            Q_EMIT samplingChanged();
    };
    connect(m_choice, &SegmentedControl::valueChanged, this, changed);
    for (QDoubleSpinBox* spin : {m_temperature, m_topP})
        connect(spin, &QDoubleSpinBox::valueChanged, this, changed);
    connect(m_seed, &QSpinBox::valueChanged, this, [this, changed](int value) {
        if (!m_setting)
            m_wideSeed = static_cast<std::uint64_t>(value);
        changed();
    });
    connect(m_length, &QSpinBox::valueChanged, this, changed);
    connect(m_system, &QLineEdit::textChanged, this, changed);
    connect(m_order, &SegmentedControl::valueChanged, this, [this](int value) {
        if (!m_setting)
            Q_EMIT inTurnChosen(value == kInTurn);
    });
    setSampling({});
    setInTurn(false);
}

Sampling SamplingBar::sampling() const
{
    Sampling sampling;
    sampling.greedy = m_choice->value() == kLikeliest;
    sampling.temperature = m_temperature->value();
    sampling.topP = m_topP->value();
    sampling.seed = m_wideSeed;
    sampling.maxTokens = m_length->value();
    sampling.system = m_system->text();
    return sampling;
}

void SamplingBar::setSampling(const Sampling& sampling)
{
    m_setting = true;
    m_choice->setValue(sampling.greedy ? kLikeliest : kRandom);
    m_temperature->setValue(sampling.temperature);
    m_topP->setValue(sampling.topP);
    m_wideSeed = sampling.seed;
    m_seed->setValue(static_cast<int>(std::min<std::uint64_t>(sampling.seed, kMaxSeed)));
    m_length->setValue(sampling.maxTokens);
    m_system->setText(sampling.system);
    m_setting = false;
    refresh();
}

bool SamplingBar::isInTurn() const
{
    return m_order->value() == kInTurn;
}

void SamplingBar::setInTurn(bool inTurn)
{
    m_setting = true;
    m_order->setValue(inTurn ? kInTurn : kAtOnce);
    m_setting = false;
}

void SamplingBar::setMemoryRemark(const QString& text, bool warning)
{
    m_memory->setText(text);
    setTone(m_memory, warning ? Tone::Warning : Tone::Plain);
}

QString SamplingBar::memoryRemark() const
{
    return m_memory->text();
}

void SamplingBar::addButtons(const QList<QWidget*>& buttons)
{
    for (QWidget* button : buttons)
        m_row->addWidget(button);
}

void SamplingBar::refresh()
{
    for (QWidget* widget : std::as_const(m_randomOnly))
        widget->setVisible(m_choice->value() == kRandom);
}

} // namespace sa::ui
