// SPDX-License-Identifier: GPL-3.0-or-later
// One side of a conversation: prompts and answers, token for token. Grows at its end at bounded cost (TextFlow), paints
// what is visible, follows the end while it is in view. Arrow keys go from token to token.
#pragma once

#include "ui/compare/text_flow.h"

#include <QAbstractScrollArea>
#include <QTimer>

namespace sa::ui
{

struct TokenPlace {
    int block = -1, token = -1;
    bool isValid() const { return block >= 0 && token >= 0; }
    bool operator==(const TokenPlace&) const = default;
};

class TokenView final : public QAbstractScrollArea
{
    Q_OBJECT
public:
    enum class Voice { User, Model };

    explicit TokenView(const QString& name, QWidget* parent = nullptr);

    void clear();
    /// A user's text is one token.
    void addBlock(Voice voice, const QString& text = {});
    /// Removes the blocks from `count` on.
    void keepBlocks(int count);
    /// The block's tokens; those before `first` are what they were.
    void setTokens(int block, const std::vector<ChatToken>& tokens, int first);
    /// Shown below the block, muted: "stopped". Empty: none.
    void setNote(int block, const QString& note);
    /// The first differing token; -1: none.
    void setMark(int block, int token);
    int mark(int block) const { return m_blocks[static_cast<std::size_t>(block)].mark; }

    int blockCount() const { return static_cast<int>(m_blocks.size()); }
    int tokenCount(int block) const { return m_blocks[static_cast<std::size_t>(block)].flow.tokenCount(); }

    /// The token that is looked at, by mouse, key or from outside.
    void setCurrent(const TokenPlace& place);
    TokenPlace current() const { return m_current; }
    /// Scrolls to it.
    void reveal(const TokenPlace& place);
    /// In the coordinates of this widget; empty when it is not laid out.
    QRect rectOf(const TokenPlace& place) const;

    /// Characters laid out, and blocks looked at for painting, since the beginning.
    qint64 layoutWork() const;
    bool isLaidOut() const { return !m_more.isActive(); }

    QSize minimumSizeHint() const override { return {220, 120}; }

Q_SIGNALS:
    void currentChanged(const sa::ui::TokenPlace& place); ///< by the user; invalid: none
    void copyRequested();

protected:
    void changeEvent(QEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void focusInEvent(QFocusEvent* event) override;
    void focusOutEvent(QFocusEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    bool viewportEvent(QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void scrollContentsBy(int dx, int dy) override;

private:
    struct Block {
        Voice voice = Voice::Model;
        TextFlow flow;
        QString note;
        int mark = -1;
        qreal y = 0, height = 0; ///< of the whole block, in the document
    };

    /// Without the margins; the same whether the scroll bar shows or not, so that it changes no line.
    qreal contentWidth() const;
    void format(Block& block) const;
    void formatAll();
    void layOutSome();
    void arrange();
    QPointF flowOrigin(const Block& block) const; ///< in the document
    TokenPlace placeAt(const QPoint& viewportPoint) const;
    void choose(const TokenPlace& place);
    void step(int direction);
    void paintBlock(QPainter* painter, const Block& block, int number, const QRectF& clip) const;

    std::vector<Block> m_blocks;
    TokenPlace m_current;
    QTimer m_more; ///< the rest of a long layout, after the event loop had its turn
    bool m_follow = true;
    bool m_arranging = false;
    qint64 m_workOfRemoved = 0;
};

} // namespace sa::ui
