// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/settings.h"

#include <QDir>

#include <algorithm>

namespace sa::ui
{

namespace
{

constexpr int kMaxRecent = 8;
const QString kRecent = QStringLiteral("recentModels");
const QString kLastFolder = QStringLiteral("lastFolder");
const QString kTheme = QStringLiteral("theme");
const QString kTextPercent = QStringLiteral("textPercent");
const QString kGeometry = QStringLiteral("window/geometry");
const QString kState = QStringLiteral("window/state");

QString defaultFile()
{
    return QSettings(QSettings::IniFormat, QSettings::UserScope, "shiftadd", "workbench").fileName();
}

} // namespace

Settings::Settings(const QString& file)
    : m_store(file.isEmpty() ? defaultFile() : file, QSettings::IniFormat)
{
}

QStringList Settings::recentModels() const
{
    return m_store.value(kRecent).toStringList().mid(0, kMaxRecent);
}

void Settings::addRecentModel(const QString& folder)
{
    QStringList recent = recentModels();
    recent.removeAll(folder);
    recent.prepend(folder);
    m_store.setValue(kRecent, recent.mid(0, kMaxRecent));
}

void Settings::removeRecentModel(const QString& folder)
{
    QStringList recent = recentModels();
    recent.removeAll(folder);
    m_store.setValue(kRecent, recent);
}

void Settings::clearRecentModels()
{
    m_store.remove(kRecent);
}

QString Settings::lastFolder() const
{
    return m_store.value(kLastFolder, QDir::homePath()).toString();
}

void Settings::setLastFolder(const QString& folder)
{
    m_store.setValue(kLastFolder, folder);
}

ThemeMode Settings::theme() const
{
    const QString name = m_store.value(kTheme).toString();
    return name == QLatin1String("light")  ? ThemeMode::Light
           : name == QLatin1String("dark") ? ThemeMode::Dark
                                           : ThemeMode::System;
}

void Settings::setTheme(ThemeMode mode)
{
    m_store.setValue(kTheme, mode == ThemeMode::Light  ? QStringLiteral("light")
                             : mode == ThemeMode::Dark ? QStringLiteral("dark")
                                                       : QStringLiteral("system"));
}

int Settings::textPercent() const
{
    return std::clamp(m_store.value(kTextPercent, 100).toInt(), 80, 200);
}

void Settings::setTextPercent(int percent)
{
    m_store.setValue(kTextPercent, percent);
}

QByteArray Settings::geometry() const
{
    return m_store.value(kGeometry).toByteArray();
}

QByteArray Settings::windowState() const
{
    return m_store.value(kState).toByteArray();
}

void Settings::setWindow(const QByteArray& geometry, const QByteArray& state)
{
    m_store.setValue(kGeometry, geometry);
    m_store.setValue(kState, state);
}

} // namespace sa::ui
