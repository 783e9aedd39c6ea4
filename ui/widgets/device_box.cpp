// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/device_box.h"

#include "ui/text.h"

#include <QSignalBlocker>

namespace sa::ui
{

DeviceBox::DeviceBox(QWidget* parent)
    : QComboBox(parent)
{
    setAccessibleName(tr("Device"));
    setDevices({});
}

void DeviceBox::setDevices(const std::vector<DeviceInfo>& devices)
{
    const QString current = currentText();
    const QSignalBlocker blocker(this);
    clear();
    for (const DeviceInfo& device : devices)
        addItem(shown(device.id, 40), fromUtf8(device.id));
    if (count() == 0)
        addItem(QStringLiteral("cpu"), QStringLiteral("cpu"));
    setCurrentIndex(std::max(0, findText(current)));
}

std::string DeviceBox::device() const
{
    return toUtf8(currentData().toString());
}

} // namespace sa::ui
