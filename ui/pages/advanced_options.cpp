// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/advanced_options.h"

#include "ui/text.h"
#include "ui/widgets/device_box.h"
#include "ui/widgets/form_card.h"
#include "ui/widgets/parts.h"

#include <QDoubleSpinBox>
#include <QGridLayout>
#include <QSpinBox>

namespace sa::ui
{

namespace
{

constexpr int kFieldWidth = 120;

QSpinBox* makeField(int min, int max, int value, const QString& name, QWidget* parent)
{
    QSpinBox* spin = makeSpin(min, max, value, name, {}, parent);
    spin->setMinimumWidth(kFieldWidth);
    return spin;
}

} // namespace

AdvancedOptions::AdvancedOptions(QWidget* parent)
    : QWidget(parent)
{
    const QuantizeSpec defaults;
    auto* grid = new QGridLayout(this);
    grid->setContentsMargins(6, 0, 0, space::kTight);
    grid->setHorizontalSpacing(space::kMedium);
    grid->setVerticalSpacing(space::kSmall);
    grid->setColumnStretch(2, 1);
    const auto addRow = [&](const QString& name, QWidget* field, const QString& explanation) {
        auto* label = makeLabel(name, this);
        label->setBuddy(field);
        label->setMinimumWidth(104);
        field->setToolTip(explanation);
        const int row = grid->rowCount();
        grid->addWidget(label, row, 0);
        grid->addWidget(field, row, 1);
        grid->addWidget(makeCaption(explanation, this), row, 2);
    };

    m_rounds = makeField(0, 10'000, defaults.rounds, tr("Rounds"), this);
    addRow(tr("Rounds"), m_rounds,
           tr("How often scales and signs are refitted. More is slower and rarely better beyond 50"));
    m_apot = makeField(1, 3, defaults.apot, tr("Terms of a scale"), this);
    addRow(tr("Terms of a scale"), m_apot, tr("Powers of two that are added for one scale. 3 is the most exact"));
    m_groupRows = makeField(0, 1'000'000, 0, tr("Rows a scale"), this);
    m_groupRows->setSpecialValueText(tr("Auto"));
    addRow(tr("Rows a scale"), m_groupRows,
           tr("Rows that share a scale. Fewer is more exact and larger; Auto is an eighth of the layer"));
    m_damping = new QDoubleSpinBox(this);
    m_damping->setDecimals(4);
    m_damping->setRange(0.0001, 1);
    m_damping->setSingleStep(0.005);
    m_damping->setValue(defaults.damping);
    m_damping->setAlignment(Qt::AlignRight);
    m_damping->setMinimumWidth(kFieldWidth);
    m_damping->setAccessibleName(tr("Damping"));
    addRow(tr("Damping"), m_damping,
           tr("Steadies the fit when the calibration text is short. 0.1 suits nearly always"));
    m_threads = makeField(0, 1024, 0, tr("Threads"), this);
    m_threads->setSpecialValueText(tr("All cores"));
    addRow(tr("Threads"), m_threads, tr("The result is the same for any number"));
    m_device = new DeviceBox(this);
    m_device->setMinimumWidth(kFieldWidth);
    addRow(tr("Device"), m_device, tr("Where to compute. The list comes from the worker"));

    for (QSpinBox* spin : {m_rounds, m_apot, m_groupRows, m_threads})
        connect(spin, &QSpinBox::valueChanged, this, &AdvancedOptions::changed);
    connect(m_damping, &QDoubleSpinBox::valueChanged, this, &AdvancedOptions::changed);
    connect(m_device, &QComboBox::currentIndexChanged, this, &AdvancedOptions::changed);
}

void AdvancedOptions::setDevices(const std::vector<DeviceInfo>& devices)
{
    m_device->setDevices(devices);
}

std::optional<int> AdvancedOptions::groupRows() const
{
    return m_groupRows->value() > 0 ? std::optional(m_groupRows->value()) : std::nullopt;
}

std::string AdvancedOptions::device() const
{
    return m_device->device();
}

int AdvancedOptions::threads() const
{
    return m_threads->value();
}

void AdvancedOptions::applyTo(QuantizeSpec& spec) const
{
    spec.rounds = m_rounds->value();
    spec.apot = m_apot->value();
    spec.groupRows = groupRows();
    spec.damping = m_damping->value();
    spec.threads = threads();
    spec.device = device();
}

} // namespace sa::ui
