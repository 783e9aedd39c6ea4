// SPDX-License-Identifier: GPL-3.0-or-later
// Small windows that need no class: About, the list of shortcuts. All open without blocking.
#pragma once

#include "core/protocol/messages.h"

#include <QList>

#include <optional>

class QAction;
class QWidget;

namespace sa::ui
{

void showAbout(QWidget* parent, const std::optional<Hello>& worker);
/// One line for each action that has a key.
void showShortcuts(QWidget* parent, const QList<QAction*>& actions);

} // namespace sa::ui
