// SPDX-License-Identifier: GPL-3.0-or-later
// One line of foreign text that is shortened to the room there is; the whole is in the tool tip.
#pragma once

#include <QFrame>

namespace sa::ui
{

class ElidedLabel final : public QFrame
{
    Q_OBJECT
public:
    explicit ElidedLabel(Qt::TextElideMode mode, QWidget* parent = nullptr);

    /// Exact text; shown escaped.
    void setText(const QString& text);
    QString text() const { return m_text; }
    void setMuted(bool muted);

    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    Qt::TextElideMode m_mode;
    QString m_text, m_shown;
    bool m_muted = false;
};

} // namespace sa::ui
