// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/compare/candidate_card.h"

#include "ui/style/theme.h"
#include "ui/text.h"
#include "ui/widgets/parts.h"

#include <QFontMetricsF>
#include <QPainter>

#include <algorithm>
#include <cmath>

namespace sa::ui
{

namespace
{

constexpr qreal kPadding = 12;
constexpr qreal kColumnGap = 20;
constexpr int kRows = 6;
constexpr int kMaxTokenBytes = 80;

} // namespace

struct CandidateCard::Metrics {
    qreal line, row, column, remark;
    QSizeF size;
};

QString quotedToken(const QString& token)
{
    if (token.isEmpty())
        return CandidateCard::tr("(no text)");
    QString text = token;
    text.replace(u'\n', u'↵').replace(u'\t', u'⇥');
    return QStringLiteral("“%1”").arg(shown(text, kMaxTokenBytes));
}

CandidateCard::CandidateCard(QWidget* parent)
    : QFrame(parent)
{
    setAttribute(Qt::WA_TransparentForMouseEvents);
    setFocusPolicy(Qt::NoFocus);
    setAccessibleName(tr("Likeliest tokens"));
    hide();
}

CandidateCard::Metrics CandidateCard::metrics() const
{
    const QFontMetricsF metrics(font());
    Metrics m;
    m.line = std::ceil(metrics.height() * 1.35);
    m.row = std::ceil(metrics.height() * 1.4);
    m.column = std::ceil(metrics.averageCharWidth() * 40);
    std::size_t rows = 0;
    m.remark = 0;
    for (const CandidateColumn& column : m_columns) {
        rows = std::max(rows, std::min<std::size_t>(kRows, column.top.size()));
        if (!column.remark.isEmpty()) {
            const QRectF room = metrics.boundingRect(QRectF(0, 0, m.column, 1000), Qt::TextWordWrap, column.remark);
            m.remark = std::max(m.remark, room.height() + 4);
        }
    }
    m.size = {2 * kPadding + 2 * m.column + kColumnGap,
              2 * kPadding + 2 * m.line + m.remark + static_cast<qreal>(rows) * m.row};
    return m;
}

void CandidateCard::showAt(const QRect& anchor, const QString& heading, const std::array<CandidateColumn, 2>& columns)
{
    m_heading = heading;
    m_columns = columns;
    QStringList lines{heading};
    for (const CandidateColumn& column : columns) {
        lines += column.title + (column.remark.isEmpty() ? QString() : QStringLiteral(": ") + column.remark);
        for (const Candidate& candidate : column.top)
            lines += QStringLiteral("%1 %2").arg(quotedToken(candidate.text),
                                                 percentText(std::exp(candidate.logProbability), 1));
    }
    m_text = lines.join(u'\n');
    setAccessibleDescription(m_text);

    const QSize size = metrics().size.toSize();
    const QRect room = parentWidget()->rect().adjusted(8, 8, -8, -8);
    int y = anchor.bottom() + 6;
    if (y + size.height() > room.bottom() && anchor.top() - 6 - size.height() >= room.top())
        y = anchor.top() - 6 - size.height();
    const int x = std::clamp(anchor.center().x() - size.width() / 2, room.left(),
                             std::max(room.left(), room.right() - size.width()));
    setGeometry(QRect(QPoint(x, std::max(room.top(), y)), size));
    show();
    raise();
    update();
}

void CandidateCard::paintEvent(QPaintEvent* event)
{
    Q_UNUSED(event)
    const Colors& colors = colorsOf(palette());
    const Metrics m = metrics();
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(colors.borderStrong);
    painter.setBrush(colors.surface);
    painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), 8, 8);
    painter.setPen(colors.muted);
    painter.drawText(QRectF(kPadding, kPadding, width() - 2 * kPadding, m.line), Qt::AlignLeft | Qt::AlignTop,
                     m_heading);
    for (std::size_t i = 0; i < m_columns.size(); ++i) {
        const qreal left = kPadding + static_cast<qreal>(i) * (m.column + kColumnGap);
        paintColumn(&painter, m_columns[i],
                    QRectF(left, kPadding + m.line, m.column, height() - 2 * kPadding - m.line));
    }
}

void CandidateCard::paintColumn(QPainter* painter, const CandidateColumn& column, const QRectF& room) const
{
    const Colors& colors = colorsOf(palette());
    const Metrics m = metrics();
    QFont bold = font();
    bold.setWeight(QFont::DemiBold);
    painter->setFont(bold);
    painter->setPen(colors.text);
    painter->drawText(QRectF(room.left(), room.top(), room.width(), m.line), Qt::AlignLeft | Qt::AlignVCenter,
                      QFontMetricsF(bold).elidedText(column.title, Qt::ElideMiddle, room.width()));
    painter->setFont(font());
    qreal y = room.top() + m.line;
    if (!column.remark.isEmpty()) {
        painter->setPen(colors.muted);
        painter->drawText(QRectF(room.left(), y, room.width(), m.remark), Qt::TextWordWrap, column.remark);
    }
    y += m.remark;
    for (std::size_t i = 0; i < column.top.size() && i < kRows; ++i, y += m.row)
        paintRow(painter, column.top[i], column.top[i].id == column.chosen,
                 QRectF(room.left(), y, room.width(), m.row));
}

void CandidateCard::paintRow(QPainter* painter, const Candidate& candidate, bool chosen, const QRectF& row) const
{
    const Colors& colors = colorsOf(palette());
    const QFontMetricsF metrics(font());
    const qreal numbers = metrics.horizontalAdvance(QStringLiteral("100.0 %  −10.55  "));
    const qreal token = row.width() * 0.42;
    const double probability = std::exp(candidate.logProbability);
    const QRectF bar(row.left() + token, row.center().y() - 3, row.width() - token - numbers, 6);
    painter->setPen(Qt::NoPen);
    painter->setBrush(colors.hover);
    painter->drawRoundedRect(bar, 3, 3);
    QRectF filled = bar;
    filled.setWidth(std::clamp(probability, 0.0, 1.0) * bar.width());
    painter->setBrush(chosen ? colors.accent : colors.borderStrong);
    painter->drawRoundedRect(filled, std::min(3.0, filled.width() / 2), 3);
    painter->setPen(chosen ? colors.accent : colors.text);
    const QString name = (chosen ? QStringLiteral("▸ ") : QStringLiteral("   ")) + quotedToken(candidate.text);
    painter->drawText(QRectF(row.left(), row.top(), token - 6, row.height()), Qt::AlignLeft | Qt::AlignVCenter,
                      metrics.elidedText(name, Qt::ElideRight, token - 6));
    const QRectF right(row.right() - numbers, row.top(), numbers, row.height());
    const qreal half = numbers * 0.52;
    painter->setPen(colors.text);
    painter->drawText(right.adjusted(0, 0, -(numbers - half), 0), Qt::AlignRight | Qt::AlignVCenter,
                      percentText(probability, probability < 0.0995 ? 2 : 1));
    painter->setPen(colors.muted);
    painter->drawText(right.adjusted(half, 0, 0, 0), Qt::AlignRight | Qt::AlignVCenter,
                      decimalText(candidate.logProbability, 2));
}

} // namespace sa::ui
