// SPDX-License-Identifier: GPL-3.0-or-later
// Where to compute: what the worker said it has.
#pragma once

#include "core/protocol/messages.h"

#include <QComboBox>

#include <string>
#include <vector>

namespace sa::ui
{

class DeviceBox final : public QComboBox
{
    Q_OBJECT
public:
    explicit DeviceBox(QWidget* parent = nullptr);
    /// Keeps the choice where it is still there; the change is not signalled.
    void setDevices(const std::vector<DeviceInfo>& devices);
    std::string device() const;
};

} // namespace sa::ui
