// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/compare/text_flow.h"

#include "ui/text.h"

#include <QFontMetricsF>
#include <QPainter>
#include <QTextLayout>

#include <algorithm>
#include <cmath>

namespace sa::ui
{

namespace
{

constexpr qsizetype kPieceCharacters = 1024; ///< shaped at a time
constexpr int kOpenLines = 4;                ///< more than these at the end, and all but the last are closed
constexpr qreal kLineSpacing = 1.38;

/// Tokens are foreign: nothing in them may control anything.
QString displayed(const QString& token)
{
    QString out;
    const QStringList lines = QString(token).replace(u'\t', QStringLiteral("    ")).split(u'\n');
    for (qsizetype i = 0; i < lines.size(); ++i)
        out += (i == 0 ? QString() : QStringLiteral("\n")) + shown(lines[i], 64 * 1024);
    return out;
}

} // namespace

struct TextFlow::Piece {
    qsizetype begin = 0, end = 0; ///< of the text; a line break behind it belongs to it
    bool closed = false;
    qreal y = 0, height = 0;
    int lines = 0; ///< of the layout, which may hold one more
    QTextLayout layout;
};

TextFlow::TextFlow() = default;
TextFlow::~TextFlow() = default;
TextFlow::TextFlow(TextFlow&&) noexcept = default;
TextFlow& TextFlow::operator=(TextFlow&&) noexcept = default;

qreal TextFlow::lineHeight() const
{
    return std::ceil(QFontMetricsF(m_font).height() * kLineSpacing);
}

void TextFlow::setFormat(const QFont& font, qreal width)
{
    if (font == m_font && width == m_width)
        return;
    m_heightBefore = height();
    m_font = font;
    m_width = width;
    m_pieces.clear();
    m_laidOut = 0;
}

void TextFlow::append(const QString& token)
{
    m_starts.push_back(m_text.size());
    m_text += displayed(token);
}

void TextFlow::truncate(int tokens)
{
    if (tokens >= tokenCount())
        return;
    m_text.truncate(m_starts[static_cast<std::size_t>(tokens)]);
    m_starts.resize(static_cast<std::size_t>(tokens));
    while (!m_pieces.empty() && m_pieces.back()->end > m_text.size())
        m_pieces.pop_back();
    if (!m_pieces.empty() && m_pieces.back()->end == m_text.size())
        m_pieces.pop_back(); // may have been closed by what is gone
    m_laidOut = m_pieces.empty() ? 0 : m_pieces.back()->end;
    m_heightBefore = 0;
}

bool TextFlow::layOut(qsizetype maxCharacters)
{
    const qint64 limit = m_work + maxCharacters;
    while (m_laidOut < m_text.size()) {
        if (m_work >= limit)
            return false;
        qsizetype begin = m_laidOut;
        if (!m_pieces.empty() && !m_pieces.back()->closed) {
            begin = m_pieces.back()->begin;
            m_pieces.pop_back();
        }
        layOutPiece(begin);
    }
    m_heightBefore = 0;
    return true;
}

void TextFlow::layOutPiece(qsizetype begin)
{
    const qsizetype lineBreak = m_text.indexOf(u'\n', begin);
    const qsizetype paragraphEnd = lineBreak < 0 ? m_text.size() : lineBreak;
    qsizetype end = std::min(paragraphEnd, begin + kPieceCharacters);
    const bool cutInside = end < paragraphEnd;

    auto piece = std::make_unique<Piece>();
    piece->begin = begin;
    piece->layout.setText(m_text.mid(begin, end - begin));
    piece->layout.setFont(m_font);
    QTextOption option;
    option.setWrapMode(QTextOption::WrapAtWordBoundaryOrAnywhere);
    piece->layout.setTextOption(option);
    piece->layout.setCacheEnabled(true);
    const qreal height = lineHeight();
    piece->layout.beginLayout();
    for (QTextLine line = piece->layout.createLine(); line.isValid(); line = piece->layout.createLine()) {
        line.setLineWidth(std::max(m_width, 1.0));
        line.setPosition({0, height * piece->lines + (height - line.height()) / 2});
        ++piece->lines;
    }
    piece->layout.endLayout();
    m_work += end - begin;

    // More text can only change the last line: the ones before it are done.
    const bool open = !cutInside && lineBreak < 0;
    if (piece->lines > 1 && (cutInside || (open && piece->lines > kOpenLines))) {
        --piece->lines;
        end = begin + piece->layout.lineAt(piece->lines).textStart();
        piece->closed = true;
    } else {
        piece->closed = !open;
    }
    piece->end = !cutInside && lineBreak >= 0 ? lineBreak + 1 : end;
    piece->y = m_pieces.empty() ? 0 : m_pieces.back()->y + m_pieces.back()->height;
    piece->height = height * std::max(1, piece->lines);
    m_laidOut = piece->end;
    m_pieces.push_back(std::move(piece));
}

qreal TextFlow::height() const
{
    const qreal now = m_pieces.empty() ? 0 : m_pieces.back()->y + m_pieces.back()->height;
    return std::max(now, m_heightBefore);
}

/// Of a text that has pieces.
std::size_t TextFlow::pieceAtOrBefore(qsizetype character) const
{
    const auto next = std::upper_bound(m_pieces.begin(), m_pieces.end(), character,
                                       [](qsizetype at, const auto& piece) { return at < piece->begin; });
    return next == m_pieces.begin() ? 0 : static_cast<std::size_t>(next - m_pieces.begin()) - 1;
}

std::vector<QRectF> TextFlow::rectsOf(int token) const
{
    std::vector<QRectF> rects;
    if (token < 0 || token >= tokenCount() || m_pieces.empty())
        return rects;
    const auto at = static_cast<std::size_t>(token);
    const qsizetype begin = m_starts[at];
    const qsizetype end = at + 1 < m_starts.size() ? m_starts[at + 1] : m_text.size();
    for (std::size_t i = pieceAtOrBefore(begin); i < m_pieces.size() && m_pieces[i]->begin < end; ++i) {
        const Piece& piece = *m_pieces[i];
        for (int number = 0; number < piece.lines; ++number) {
            const QTextLine line = piece.layout.lineAt(number);
            const int lineBegin = line.textStart();
            const int lineEnd = lineBegin + line.textLength();
            const int from = std::max(lineBegin, static_cast<int>(begin - piece.begin));
            const int to = std::min(lineEnd, static_cast<int>(end - piece.begin));
            if (from >= to)
                continue;
            const qreal left = line.cursorToX(from);
            const qreal right = line.cursorToX(to);
            const qreal height = piece.height / std::max(1, piece.lines);
            rects.emplace_back(std::min(left, right), piece.y + height * number, std::abs(right - left), height);
        }
    }
    return rects;
}

int TextFlow::tokenAt(const QPointF& point) const
{
    const auto found = std::find_if(m_pieces.begin(), m_pieces.end(), [&](const auto& piece) {
        return point.y() >= piece->y && point.y() < piece->y + piece->height;
    });
    if (found == m_pieces.end() || (*found)->lines == 0)
        return -1;
    const Piece& piece = **found;
    const qreal height = piece.height / piece.lines;
    const QTextLine line =
        piece.layout.lineAt(std::clamp(static_cast<int>((point.y() - piece.y) / height), 0, piece.lines - 1));
    if (point.x() < line.x() || point.x() > line.x() + line.naturalTextWidth())
        return -1;
    const qsizetype character = piece.begin + line.xToCursor(point.x(), QTextLine::CursorOnCharacter);
    const auto next = std::upper_bound(m_starts.begin(), m_starts.end(), character);
    return static_cast<int>(next - m_starts.begin()) - 1;
}

void TextFlow::paint(QPainter* painter, const QPointF& origin, const QRectF& clip) const
{
    auto piece = std::partition_point(m_pieces.begin(), m_pieces.end(),
                                      [&](const auto& p) { return p->y + p->height <= clip.top(); });
    for (; piece != m_pieces.end() && (*piece)->y < clip.bottom(); ++piece)
        for (int number = 0; number < (*piece)->lines; ++number)
            (*piece)->layout.lineAt(number).draw(painter, origin + QPointF(0, (*piece)->y));
}

} // namespace sa::ui
