// SPDX-License-Identifier: GPL-3.0-or-later
// The worker's log and the window's remarks about it. Bounded, and appended once a frame however much comes.
#pragma once

#include <QStringList>
#include <QTimer>
#include <QWidget>

class QPlainTextEdit;

namespace sa::ui
{

class LogView final : public QWidget
{
    Q_OBJECT
public:
    static constexpr int kMaxLines = 5000;

    explicit LogView(QWidget* parent = nullptr);

    /// Lines that were escaped already. `source`: "worker", "window", ...
    void append(const QString& source, const QStringList& lines);
    QString text() const;

private:
    void flush();

    QPlainTextEdit* m_text;
    QStringList m_pending;
    qint64 m_skipped = 0;
    QTimer m_frame;
};

} // namespace sa::ui
