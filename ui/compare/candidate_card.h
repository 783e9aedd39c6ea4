// SPDX-License-Identifier: GPL-3.0-or-later
// Floats beside a token: what each model would have said there, and how sure it was. A child of the page, so that it
// is where the page is, and never takes the focus.
#pragma once

#include "ui/compare/conversation.h"

#include <QFrame>

namespace sa::ui
{

struct CandidateColumn {
    QString title;  ///< the model
    QString remark; ///< in place of the list, or below the title
    std::vector<Candidate> top;
    int chosen = -1; ///< token number
    double chosenLogProbability = kNoNumber;
};

/// A token as it can be told in a line: quotes, line breaks as signs. "“ the”"
QString quotedToken(const QString& token);

class CandidateCard final : public QFrame
{
    Q_OBJECT
public:
    explicit CandidateCard(QWidget* parent);

    /// Below `anchor` (parent coordinates), or above where there is more room.
    void showAt(const QRect& anchor, const QString& heading, const std::array<CandidateColumn, 2>& columns);
    /// What it says, for screen readers and tests.
    QString text() const { return m_text; }

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    struct Metrics;
    Metrics metrics() const;
    void paintColumn(QPainter* painter, const CandidateColumn& column, const QRectF& room) const;
    void paintRow(QPainter* painter, const Candidate& candidate, bool chosen, const QRectF& row) const;

    QString m_heading, m_text;
    std::array<CandidateColumn, 2> m_columns;
};

} // namespace sa::ui
