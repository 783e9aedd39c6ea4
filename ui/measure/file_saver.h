// SPDX-License-Identifier: GPL-3.0-or-later
// Files that the user asked for, written on a pool thread; the banner says how it went.
#pragma once

#include "core/base/result.h"

#include <QObject>
#include <QString>

#include <functional>

namespace sa::ui
{

class Banner;

class FileSaver final : public QObject
{
    Q_OBJECT
public:
    struct Words {
        QString failed, done; ///< titles of the messages
    };

    /// `banner` is borrowed.
    FileSaver(Banner* banner, QObject* parent);
    /// `write` runs on a pool thread and must not touch widgets. Saves may overlap.
    void save(const QString& path, std::function<Result<void>()> write, const Words& words);

private:
    Banner* m_banner;
    quint64 m_last = 0;
};

} // namespace sa::ui
