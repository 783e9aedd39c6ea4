// SPDX-License-Identifier: GPL-3.0-or-later
// Small windows that need no class: About, the list of shortcuts, files. All open without blocking.
#pragma once

#include "core/protocol/messages.h"

#include <QList>
#include <QString>

#include <functional>
#include <optional>

class QAction;
class QWidget;

namespace sa::ui
{

void showAbout(QWidget* parent, const std::optional<Hello>& worker);
/// One line for each action that has a key.
void showShortcuts(QWidget* parent, const QList<QAction*>& actions);

/// Where to save to, or what to open. A saved file without an ending gets the chosen filter's.
void askForFile(QWidget* parent, const QString& title, const QString& name, const QString& filter, bool save,
                const std::function<void(const QString& path)>& then);

} // namespace sa::ui
