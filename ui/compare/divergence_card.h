// SPDX-License-Identifier: GPL-3.0-or-later
// How far the right model is from the left one along the left one's text: a sentence and a plot.
#pragma once

#include "ui/compare/conversation.h"

#include <QFrame>

#include <optional>

class QLabel;

namespace sa::ui
{

class DivergencePlot;

/// What is drawn for each token, and what it is.
struct DivergenceValues {
    enum class Kind { Exact, AtLeast, LogProbability };
    Kind kind = Kind::Exact;
    std::vector<double> values; ///< nats; NaN where nothing is known
};
/// Exact divergences when the worker sent them for all tokens; otherwise what the likeliest tokens of both tell for
/// certain; otherwise how much less likely the token itself became.
DivergenceValues divergenceValues(const Turn& turn);

class DivergenceCard final : public QFrame
{
    Q_OBJECT
public:
    explicit DivergenceCard(QWidget* parent = nullptr);

    void showTurn(const Turn& turn, std::optional<int> firstDifference);
    void highlight(int token);
    QString summary() const;

Q_SIGNALS:
    void pointed(int token);
    void closeRequested();

private:
    QLabel *m_title, *m_summary;
    DivergencePlot* m_plot;
};

} // namespace sa::ui
