// SPDX-License-Identifier: GPL-3.0-or-later
// The last bytes of the worker's stderr, whatever it prints: bounded memory, whole lines for the log view.
#pragma once

#include <QByteArray>
#include <QStringList>

namespace sa::ui
{

class LogRing
{
public:
    static constexpr qsizetype kCapacityBytes = 64 * 1024;
    static constexpr qsizetype kMaxLineBytes = 4096;

    /// Complete lines in `bytes`, escaped for display; an over-long line is cut. At most `maxLines` come back, the last
    /// ones; `skipped` counts the others.
    QStringList append(const QByteArray& bytes, qsizetype maxLines, qsizetype& skipped);
    /// The last `lines` lines as they came (unescaped).
    QByteArray tail(qsizetype lines) const;
    const QByteArray& bytes() const { return m_ring; }
    void clear();

private:
    QByteArray m_ring;
    QByteArray m_partial;
};

} // namespace sa::ui
