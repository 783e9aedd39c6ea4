// SPDX-License-Identifier: GPL-3.0-or-later
// What the window remembers between sessions.
#pragma once

#include "ui/style/theme.h"

#include <QSettings>
#include <QStringList>

namespace sa::ui
{

class Settings
{
public:
    /// `file`: an .ini of its own (tests, pictures); empty: the user's.
    explicit Settings(const QString& file = {});

    QStringList recentModels() const;
    void addRecentModel(const QString& folder);
    void removeRecentModel(const QString& folder);
    void clearRecentModels();

    QString lastFolder() const; ///< where the last dialog was
    void setLastFolder(const QString& folder);

    ThemeMode theme() const;
    void setTheme(ThemeMode mode);
    int textPercent() const;
    void setTextPercent(int percent);

    QByteArray geometry() const;
    QByteArray windowState() const;
    void setWindow(const QByteArray& geometry, const QByteArray& state);

private:
    mutable QSettings m_store;
};

} // namespace sa::ui
