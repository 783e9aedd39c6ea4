// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/compare/token_view.h"

#include "ui/style/theme.h"

#include <QAccessible>
#include <QFontMetricsF>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>
#include <QScrollBar>

#include <algorithm>
#include <cmath>

namespace sa::ui
{

namespace
{

constexpr qsizetype kLayoutSlice = 6000; ///< characters between two turns of the event loop: a few milliseconds
constexpr qreal kMargin = 14;
constexpr qreal kBubblePadding = 9;
constexpr qreal kBlockGap = 14;
constexpr qreal kNoteGap = 4;
constexpr qreal kRadius = 3;

} // namespace

TokenView::TokenView(const QString& name, QWidget* parent)
    : QAbstractScrollArea(parent)
{
    setAccessibleName(name);
    setFrameShape(QFrame::NoFrame);
    setFocusPolicy(Qt::StrongFocus);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    viewport()->setMouseTracking(true);
    viewport()->setAutoFillBackground(false);
    m_more.setSingleShot(true);
    m_more.setInterval(0);
    connect(&m_more, &QTimer::timeout, this, &TokenView::layOutSome);
    connect(verticalScrollBar(), &QScrollBar::valueChanged, this, [this](int value) {
        if (!m_arranging)
            m_follow = value >= verticalScrollBar()->maximum();
    });
}

void TokenView::clear()
{
    keepBlocks(0);
    m_follow = true;
}

void TokenView::keepBlocks(int count)
{
    while (blockCount() > count) {
        m_workOfRemoved += m_blocks.back().flow.work();
        m_blocks.pop_back();
    }
    if (m_current.block >= count)
        m_current = {};
    arrange();
}

void TokenView::addBlock(Voice voice, const QString& text)
{
    m_blocks.emplace_back();
    Block& block = m_blocks.back();
    block.voice = voice;
    format(block);
    if (voice == Voice::User)
        block.flow.append(text);
    m_follow = true; // a new question is worth a look
    layOutSome();
}

void TokenView::setTokens(int block, const std::vector<ChatToken>& tokens, int first)
{
    TextFlow& flow = m_blocks[static_cast<std::size_t>(block)].flow;
    flow.truncate(first);
    for (auto i = static_cast<std::size_t>(flow.tokenCount()); i < tokens.size(); ++i)
        flow.append(tokens[i].text);
    layOutSome();
}

void TokenView::setNote(int block, const QString& note)
{
    m_blocks[static_cast<std::size_t>(block)].note = note;
    arrange();
}

void TokenView::setMark(int block, int token)
{
    m_blocks[static_cast<std::size_t>(block)].mark = token;
    viewport()->update();
}

qint64 TokenView::layoutWork() const
{
    qint64 work = m_workOfRemoved;
    for (const Block& block : m_blocks)
        work += block.flow.work();
    return work;
}

qreal TokenView::contentWidth() const
{
    return std::max<qreal>(60, contentsRect().width() - verticalScrollBar()->sizeHint().width() - 2 * kMargin);
}

void TokenView::format(Block& block) const
{
    qreal width = contentWidth();
    if (block.voice == Voice::User)
        width -= 2 * kBubblePadding;
    block.flow.setFormat(font(), width);
}

void TokenView::formatAll()
{
    for (Block& block : m_blocks)
        format(block);
    layOutSome();
}

/// What is visible first, then the rest, a slice at a time.
void TokenView::layOutSome()
{
    const qreal top = verticalScrollBar()->value();
    const qreal bottom = top + viewport()->height();
    const auto isVisible = [&](const Block& block) { return block.y + block.height >= top && block.y <= bottom; };
    bool whole = true;
    const qint64 limit = layoutWork() + kLayoutSlice;
    for (const bool visible : {true, false}) {
        for (Block& block : m_blocks) {
            if (isVisible(block) != visible)
                continue;
            const qint64 left = limit - layoutWork();
            whole = block.flow.layOut(std::max<qint64>(0, left)) && whole;
        }
    }
    arrange();
    if (!whole)
        m_more.start();
}

void TokenView::arrange()
{
    const qreal noteHeight = QFontMetricsF(font()).height() + kNoteGap;
    qreal y = kMargin / 2;
    for (Block& block : m_blocks) {
        block.y = y;
        block.height = block.flow.height() + (block.voice == Voice::User ? 2 * kBubblePadding : 0) +
                       (block.note.isEmpty() ? 0 : noteHeight);
        y += block.height + kBlockGap;
    }
    const int height = static_cast<int>(std::ceil(y));
    m_arranging = true;
    verticalScrollBar()->setPageStep(viewport()->height());
    verticalScrollBar()->setSingleStep(static_cast<int>(QFontMetricsF(font()).height() * 1.4));
    verticalScrollBar()->setRange(0, std::max(0, height - viewport()->height()));
    if (m_follow)
        verticalScrollBar()->setValue(verticalScrollBar()->maximum());
    m_arranging = false;
    viewport()->update();
}

QPointF TokenView::flowOrigin(const Block& block) const
{
    const qreal padding = block.voice == Voice::User ? kBubblePadding : 0;
    return {kMargin + padding, block.y + padding};
}

TokenPlace TokenView::placeAt(const QPoint& viewportPoint) const
{
    const QPointF point(viewportPoint.x(), viewportPoint.y() + verticalScrollBar()->value());
    for (int i = 0; i < blockCount(); ++i) {
        const Block& block = m_blocks[static_cast<std::size_t>(i)];
        if (block.voice == Voice::Model && point.y() >= block.y && point.y() < block.y + block.height)
            return {i, block.flow.tokenAt(point - flowOrigin(block))};
    }
    return {};
}

QRect TokenView::rectOf(const TokenPlace& place) const
{
    if (!place.isValid() || place.block >= blockCount())
        return {};
    const Block& block = m_blocks[static_cast<std::size_t>(place.block)];
    const auto rects = block.flow.rectsOf(place.token);
    if (rects.empty())
        return {};
    const QPointF shift = flowOrigin(block) - QPointF(0, verticalScrollBar()->value());
    return rects.front().translated(shift).toAlignedRect().translated(viewport()->pos());
}

void TokenView::setCurrent(const TokenPlace& place)
{
    if (place == m_current)
        return;
    m_current = place;
    viewport()->update();
}

void TokenView::reveal(const TokenPlace& place)
{
    const QRect rect = rectOf(place).translated(-viewport()->pos());
    if (rect.isEmpty() || (rect.top() >= 0 && rect.bottom() <= viewport()->height()))
        return;
    verticalScrollBar()->setValue(verticalScrollBar()->value() + rect.center().y() - viewport()->height() / 2);
}

void TokenView::choose(const TokenPlace& place)
{
    const TokenPlace next = place.isValid() ? place : TokenPlace{};
    if (next == m_current)
        return;
    setCurrent(next);
    Q_EMIT currentChanged(next);
}

/// Over tokens without text, too: they are choices like all others.
void TokenView::step(int direction)
{
    TokenPlace place = m_current;
    if (!place.isValid()) {
        for (int i = blockCount() - 1; i >= 0 && !place.isValid(); --i)
            if (m_blocks[static_cast<std::size_t>(i)].voice == Voice::Model && tokenCount(i) > 0)
                place = {i, direction > 0 ? 0 : tokenCount(i) - 1};
    } else {
        place.token = std::clamp(place.token + direction, 0, tokenCount(place.block) - 1);
    }
    if (!place.isValid())
        return;
    reveal(place);
    choose(place);
}

void TokenView::keyPressEvent(QKeyEvent* event)
{
    if (event->matches(QKeySequence::Copy))
        return Q_EMIT copyRequested();
    switch (event->key()) {
    case Qt::Key_Left:
        return step(-1);
    case Qt::Key_Right:
        return step(1);
    case Qt::Key_Home:
        return verticalScrollBar()->setValue(0);
    case Qt::Key_End:
        return verticalScrollBar()->setValue(verticalScrollBar()->maximum());
    case Qt::Key_Escape:
        if (m_current.isValid())
            return choose({});
        break;
    default:
        break;
    }
    QAbstractScrollArea::keyPressEvent(event);
}

void TokenView::focusInEvent(QFocusEvent* event)
{
    QAbstractScrollArea::focusInEvent(event);
    viewport()->update();
}

void TokenView::focusOutEvent(QFocusEvent* event)
{
    QAbstractScrollArea::focusOutEvent(event);
    choose({});
    viewport()->update();
}

void TokenView::mouseMoveEvent(QMouseEvent* event)
{
    choose(placeAt(event->position().toPoint()));
}

bool TokenView::viewportEvent(QEvent* event)
{
    if (event->type() == QEvent::Leave)
        choose({});
    return QAbstractScrollArea::viewportEvent(event);
}

void TokenView::changeEvent(QEvent* event)
{
    QAbstractScrollArea::changeEvent(event);
    if (event->type() == QEvent::FontChange)
        formatAll();
    else if (event->type() == QEvent::PaletteChange)
        viewport()->update();
}

void TokenView::resizeEvent(QResizeEvent* event)
{
    QAbstractScrollArea::resizeEvent(event);
    formatAll();
}

void TokenView::scrollContentsBy(int dx, int dy)
{
    Q_UNUSED(dx)
    Q_UNUSED(dy)
    viewport()->update();
}

void TokenView::paintEvent(QPaintEvent* event)
{
    QPainter painter(viewport());
    painter.setRenderHint(QPainter::Antialiasing);
    const QPointF shift(0, verticalScrollBar()->value());
    const QRectF clip = QRectF(event->rect()).translated(shift);
    painter.translate(-shift);
    for (int i = 0; i < blockCount(); ++i) {
        const Block& block = m_blocks[static_cast<std::size_t>(i)];
        if (block.y + block.height >= clip.top() && block.y <= clip.bottom())
            paintBlock(&painter, block, i, clip);
    }
    painter.translate(shift);
    if (hasFocus()) {
        painter.setPen(colorsOf(palette()).accent);
        painter.setBrush(Qt::NoBrush);
        painter.drawRoundedRect(QRectF(viewport()->rect()).adjusted(1.5, 0.5, -1.5, -0.5), 5, 5);
    }
}

void TokenView::paintBlock(QPainter* painter, const Block& block, int number, const QRectF& clip) const
{
    const Colors& colors = colorsOf(palette());
    const QPointF origin = flowOrigin(block);
    painter->setPen(Qt::NoPen);
    if (block.voice == Voice::User) {
        painter->setBrush(colors.hover);
        painter->drawRoundedRect(QRectF(kMargin, block.y, contentWidth(), block.height), 8, 8);
    }
    for (const QRectF& rect : block.flow.rectsOf(block.mark)) {
        const QRectF place = rect.translated(origin).adjusted(-1, 2, 1, -2);
        painter->setBrush(colors.warningSoft);
        painter->drawRoundedRect(place, kRadius, kRadius);
        painter->setBrush(colors.warning); // colour is not the only sign
        painter->drawRect(QRectF(place.left(), place.bottom() - 1, place.width(), 2));
    }
    if (m_current.block == number) {
        for (const QRectF& rect : block.flow.rectsOf(m_current.token)) {
            painter->setPen(QPen(colors.accent, 1));
            painter->setBrush(block.mark == m_current.token ? Qt::NoBrush : QBrush(colors.accentSoft));
            painter->drawRoundedRect(rect.translated(origin).adjusted(-0.5, 2.5, 0.5, -2.5), kRadius, kRadius);
        }
    }
    painter->setPen(colors.text);
    block.flow.paint(painter, origin, clip.translated(-origin));
    if (block.note.isEmpty())
        return;
    painter->setPen(colors.muted);
    const qreal height = QFontMetricsF(font()).height();
    painter->drawText(QRectF(kMargin, block.y + block.height - height, contentWidth(), height),
                      Qt::AlignLeft | Qt::AlignVCenter,
                      QFontMetricsF(font()).elidedText(block.note, Qt::ElideRight, contentWidth()));
}

} // namespace sa::ui
