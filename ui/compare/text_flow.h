// SPDX-License-Identifier: GPL-3.0-or-later
// Tokens laid out as running text that grows at its end. Lines that can no longer change are closed: a new token costs
// the layout of the last few lines, however long the text has become. Painting looks at the visible lines only.
#pragma once

#include "ui/compare/conversation.h"

#include <QFont>
#include <QRectF>
#include <QString>

#include <memory>
#include <vector>

class QPainter;
class QTextLayout;

namespace sa::ui
{

class TextFlow
{
public:
    TextFlow();
    ~TextFlow();
    TextFlow(TextFlow&&) noexcept;
    TextFlow& operator=(TextFlow&&) noexcept;

    /// Pixels and font of all lines; what was laid out is forgotten.
    void setFormat(const QFont& font, qreal width);
    /// Foreign text: line breaks stay, other control characters are shown escaped.
    void append(const QString& token);
    /// Keeps the first `tokens`.
    void truncate(int tokens);

    /// Lays out what is missing, at most about `maxCharacters` of it. True when nothing is missing.
    bool layOut(qsizetype maxCharacters);

    int tokenCount() const { return static_cast<int>(m_starts.size()); }
    qreal height() const;
    /// Around each line's part of the token; empty for a token without text.
    std::vector<QRectF> rectsOf(int token) const;
    int tokenAt(const QPointF& point) const; ///< -1: none
    /// Lines that touch `clip`, which has its origin at the flow's corner, as has the text.
    void paint(QPainter* painter, const QPointF& origin, const QRectF& clip) const;

    /// Characters that went through the layout since the beginning, repeated ones included: the work that was done.
    qint64 work() const { return m_work; }
    int pieceCount() const { return static_cast<int>(m_pieces.size()); }

private:
    struct Piece; ///< a few lines of one paragraph
    void layOutPiece(qsizetype begin);
    qreal lineHeight() const;
    std::size_t pieceAtOrBefore(qsizetype character) const;

    QFont m_font;
    qreal m_width = 0;
    QString m_text;
    std::vector<qsizetype> m_starts;              ///< first character of each token
    std::vector<std::unique_ptr<Piece>> m_pieces; ///< all but the last are closed
    qsizetype m_laidOut = 0;                      ///< the text's first characters are in pieces
    qreal m_heightBefore = 0;                     ///< of the format before, until the layout is whole again
    qint64 m_work = 0;
};

} // namespace sa::ui
