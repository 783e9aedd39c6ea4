// SPDX-License-Identifier: GPL-3.0-or-later
// What is timed, and how often.
#pragma once

#include "core/protocol/job_spec.h"
#include "core/protocol/messages.h"

#include <QFrame>

#include <optional>

class QLineEdit;
class QSpinBox;

namespace sa::ui
{

class DeviceBox;

/// "16, 64, 256": ascending, none twice. Nothing when it is not such a list.
std::optional<std::vector<int>> parseLengths(const QString& text);

class LatencyForm final : public QFrame
{
    Q_OBJECT
public:
    explicit LatencyForm(QWidget* parent = nullptr);

    /// Without the models. Nothing while a field makes no sense.
    std::optional<LatencySpec> spec() const;
    void setSpec(const LatencySpec& spec);
    void setDevices(const std::vector<DeviceInfo>& devices);
    QLineEdit* lengthsEdit() const { return m_lengths; }

Q_SIGNALS:
    void changed();

private:
    void check();

    QLineEdit* m_lengths;
    QSpinBox *m_decode, *m_repeats, *m_threads;
    DeviceBox* m_device;
};

} // namespace sa::ui
