// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/style/icons.h"

#include "ui/style/theme.h"

#include <QApplication>
#include <QFile>
#include <QIconEngine>
#include <QPainter>
#include <QSvgRenderer>

#include <algorithm>

namespace sa::ui
{

namespace
{

QColor colorOf(const Colors& colors, IconTone tone)
{
    switch (tone) {
    case IconTone::Text:
        return colors.text;
    case IconTone::Muted:
        return colors.muted;
    case IconTone::Accent:
        return colors.accent;
    case IconTone::OnAccent:
        return colors.onAccent;
    case IconTone::Success:
        return colors.success;
    case IconTone::Warning:
        return colors.warning;
    case IconTone::Danger:
        return colors.danger;
    }
    return colors.text;
}

class SvgIconEngine final : public QIconEngine
{
public:
    SvgIconEngine(QByteArray svg, IconTone tone)
        : m_svg(std::move(svg))
        , m_tone(tone)
    {
    }

    void paint(QPainter* painter, const QRect& rect, QIcon::Mode mode, QIcon::State state) override
    {
        const Colors& colors = colorsOf(QApplication::palette());
        QColor color = colorOf(colors, m_tone);
        if (mode == QIcon::Disabled)
            color = colors.disabled;
        else if (state == QIcon::On && m_tone == IconTone::Muted)
            color = colors.accent;
        QSvgRenderer renderer(QByteArray(m_svg).replace("currentColor", color.name().toLatin1()));
        // A rectangle wider than high keeps its right part free: the gap between a button's icon and its text.
        const double side = std::min(rect.width(), rect.height());
        renderer.render(painter, QRectF(rect.left(), rect.top() + (rect.height() - side) / 2, side, side));
    }

    QPixmap pixmap(const QSize& size, QIcon::Mode mode, QIcon::State state) override
    {
        QPixmap pixmap(size);
        pixmap.fill(Qt::transparent);
        QPainter painter(&pixmap);
        paint(&painter, QRect(QPoint(0, 0), size), mode, state);
        return pixmap;
    }

    QPixmap scaledPixmap(const QSize& size, QIcon::Mode mode, QIcon::State state, qreal scale) override
    {
        Q_UNUSED(scale) // `size` is in device pixels already
        return pixmap(size, mode, state);
    }

    QIconEngine* clone() const override { return new SvgIconEngine(*this); }

private:
    QByteArray m_svg;
    IconTone m_tone;
};

} // namespace

QIcon icon(const QString& name, IconTone tone)
{
    QFile file(QStringLiteral(":/icons/%1.svg").arg(name));
    if (!file.open(QIODevice::ReadOnly))
        return {};
    return QIcon(new SvgIconEngine(file.readAll(), tone));
}

} // namespace sa::ui
