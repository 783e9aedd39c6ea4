// SPDX-License-Identifier: GPL-3.0-or-later
// How far the second model is from the first at each token of a text.
#pragma once

#include <QWidget>

#include <vector>

class QCPBars;
class QCustomPlot;

namespace sa::ui
{

class DivergencePlot final : public QWidget
{
    Q_OBJECT
public:
    explicit DivergencePlot(QWidget* parent = nullptr);

    /// One value a token, nats; NaN leaves a gap. `expected` tokens will come.
    void setValues(const std::vector<double>& values, int expected);
    /// Marks the token, -1 for none.
    void highlight(int token);
    /// Of the first differing token, -1: none.
    void setMark(int token);

    QSize minimumSizeHint() const override { return {220, 96}; }

Q_SIGNALS:
    void pointed(int token); ///< by the mouse; -1: left

protected:
    void changeEvent(QEvent* event) override;
    void showEvent(QShowEvent* event) override;
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    void applyColors();
    void refresh();
    void replot();

    QCustomPlot* m_plot;
    QCPBars *m_bars = nullptr, *m_marked = nullptr, *m_pointed = nullptr;
    std::vector<double> m_values;
    int m_expected = 0, m_mark = -1, m_highlighted = -1;
};

} // namespace sa::ui
