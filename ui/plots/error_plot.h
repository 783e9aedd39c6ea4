// SPDX-License-Identifier: GPL-3.0-or-later
// Relative error of each finished layer as a bar, in the order of quantization. The only file that knows QCustomPlot.
#pragma once

#include "core/protocol/messages.h"

#include <QWidget>

#include <vector>

class QCPBars;
class QCPAxisTickerText;
class QCustomPlot;

namespace sa::ui
{

/// QCustomPlot's version, for About.
QString plotLibraryVersion();

class ErrorPlot final : public QWidget
{
    Q_OBJECT
public:
    explicit ErrorPlot(QWidget* parent = nullptr);

    /// Empties the plot; `expected` layers will come (0: unknown).
    void reset(int expected);
    void append(const std::vector<LayerResult>& batch);
    /// Marks the bar at `position`, or none for -1.
    void highlight(int position);

    QSize minimumSizeHint() const override { return {220, 140}; }

Q_SIGNALS:
    void picked(int position); ///< a bar was clicked

protected:
    void changeEvent(QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void showEvent(QShowEvent* event) override;

private:
    void applyColors();
    void replot();
    void refreshBars();
    void refreshTicks();
    int positionAt(const QPoint& point) const;
    void showToolTip(const QPoint& point);

    QCustomPlot* m_plot;
    QCPBars* m_bars = nullptr;
    QCPBars* m_marked = nullptr;
    QSharedPointer<QCPAxisTickerText> m_ticks;
    std::vector<LayerResult> m_layers;
    int m_expected = 0;
    int m_highlighted = -1;
};

} // namespace sa::ui
