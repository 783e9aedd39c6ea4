// SPDX-License-Identifier: GPL-3.0-or-later
// The slider itself: from the smallest plan to the one that nothing improves, with a tick at every uniform plan. It
// holds to ticks when it comes near. Arrow keys step, Page keys go from tick to tick.
#pragma once

#include "ui/cockpit/budget_scale.h"

#include <QAbstractSlider>

namespace sa::ui
{

class BudgetTrack final : public QAbstractSlider
{
    Q_OBJECT
public:
    explicit BudgetTrack(QWidget* parent = nullptr);

    void setScale(const BudgetScale& scale);
    const BudgetScale& scale() const { return m_scale; }
    /// Silent.
    void setBytes(std::uint64_t bytes);
    std::uint64_t bytes() const { return m_bytes; }
    /// In words, for those who do not see it.
    void setValueText(const QString& text);
    QPoint pointAt(std::uint64_t bytes) const; ///< middle of the handle there

    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;

Q_SIGNALS:
    /// By the user: between sliderPressed() and sliderReleased() while dragging, alone for a key or the wheel.
    void bytesChanged(quint64 bytes);

protected:
    void paintEvent(QPaintEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    bool event(QEvent* event) override;

private:
    QRectF groove() const;
    void moveTo(double x);
    void toTick(bool up);

    BudgetScale m_scale;
    std::uint64_t m_bytes = 0;
    bool m_silent = false;
    bool m_hovered = false;
};

} // namespace sa::ui
