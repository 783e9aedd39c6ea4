// SPDX-License-Identifier: GPL-3.0-or-later
// The knobs of the quantizer that most people leave alone, each with a sentence.
#pragma once

#include "core/protocol/job_spec.h"
#include "core/protocol/messages.h"

#include <QWidget>

class QDoubleSpinBox;
class QSpinBox;

namespace sa::ui
{

class DeviceBox;

class AdvancedOptions final : public QWidget
{
    Q_OBJECT
public:
    explicit AdvancedOptions(QWidget* parent = nullptr);

    void setDevices(const std::vector<DeviceInfo>& devices);
    void applyTo(QuantizeSpec& spec) const;
    std::optional<int> groupRows() const;
    std::string device() const;
    int threads() const;

Q_SIGNALS:
    void changed();

private:
    QSpinBox* m_rounds;
    QSpinBox* m_apot;
    QSpinBox* m_groupRows;
    QDoubleSpinBox* m_damping;
    QSpinBox* m_threads;
    DeviceBox* m_device;
};

} // namespace sa::ui
