// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/worker/log_ring.h"

#include "ui/text.h"

#include <algorithm>

namespace sa::ui
{

QStringList LogRing::append(const QByteArray& bytes, qsizetype maxLines, qsizetype& skipped)
{
    m_ring.append(bytes.right(kCapacityBytes));
    if (m_ring.size() > kCapacityBytes)
        m_ring.remove(0, m_ring.size() - kCapacityBytes);

    m_partial.append(bytes);
    QList<QByteArray> lines = m_partial.split('\n');
    m_partial = lines.takeLast().left(kMaxLineBytes);
    skipped = std::max<qsizetype>(0, lines.size() - maxLines);
    QStringList shownLines;
    for (qsizetype i = skipped; i < lines.size(); ++i) {
        QByteArray line = lines[i];
        if (line.endsWith('\r'))
            line.chop(1);
        shownLines += shown(line.toStdString(), kMaxLineBytes);
    }
    return shownLines;
}

QByteArray LogRing::tail(qsizetype lines) const
{
    qsizetype begin = m_ring.size();
    if (begin > 0 && m_ring.endsWith('\n'))
        --begin;
    for (qsizetype found = 0; begin > 0 && found < lines; ++found)
        begin = m_ring.lastIndexOf('\n', begin - 1);
    return m_ring.mid(begin < 0 ? 0 : begin + (begin == 0 ? 0 : 1));
}

void LogRing::clear()
{
    m_ring.clear();
    m_partial.clear();
}

} // namespace sa::ui
