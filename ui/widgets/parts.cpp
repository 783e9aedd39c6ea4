// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/parts.h"

#include "ui/style/icons.h"

#include <QApplication>
#include <QBoxLayout>
#include <QEvent>
#include <QFontDatabase>
#include <QFontInfo>
#include <QLocale>
#include <QScrollArea>
#include <QStyle>
#include <QToolButton>
#include <QVariant>

namespace sa::ui
{

namespace
{

/// Follows View > Larger text: a font that was set once does not change with the application's.
class TextScaler final : public QObject
{
public:
    TextScaler(QWidget* widget, double scale, QFont::Weight weight)
        : QObject(widget)
        , m_widget(widget)
        , m_scale(scale)
        , m_weight(weight)
    {
        widget->installEventFilter(this);
        apply();
    }
    bool eventFilter(QObject* watched, QEvent* event) override
    {
        if (event->type() == QEvent::ApplicationFontChange)
            apply();
        return QObject::eventFilter(watched, event);
    }

private:
    void apply()
    {
        QFont font = QApplication::font();
        font.setPointSizeF(font.pointSizeF() * m_scale);
        font.setWeight(m_weight);
        m_widget->setFont(font);
    }

    QWidget* m_widget;
    double m_scale;
    QFont::Weight m_weight;
};

constexpr QSize kButtonIcon(20, 16); // four pixels more between glyph and text

const char* nameOf(Tone tone)
{
    switch (tone) {
    case Tone::Plain:
        return "plain";
    case Tone::Accent:
        return "accent";
    case Tone::Success:
        return "success";
    case Tone::Warning:
        return "warning";
    case Tone::Danger:
        return "danger";
    }
    return "plain";
}

void setStyleProperty(QWidget* widget, const char* property, const char* value)
{
    if (widget->property(property).toByteArray() == value)
        return;
    widget->setProperty(property, QLatin1String(value));
    if (!widget->testAttribute(Qt::WA_WState_Polished))
        return; // the style looks when it gets there
    widget->style()->unpolish(widget);
    widget->style()->polish(widget);
}

} // namespace

void scaleText(QWidget* widget, double scale, QFont::Weight weight)
{
    new TextScaler(widget, scale, weight);
}

QLabel* makeLabel(const QString& text, QWidget* parent)
{
    auto* label = new QLabel(parent);
    label->setTextFormat(Qt::PlainText);
    label->setText(text);
    return label;
}

QLabel* makeMuted(const QString& text, QWidget* parent)
{
    QLabel* label = makeLabel(text, parent);
    setRole(label, "muted");
    return label;
}

QLabel* makeCaption(const QString& text, QWidget* parent)
{
    QLabel* label = makeLabel(text, parent);
    setRole(label, "caption");
    label->setWordWrap(true);
    scaleText(label, 0.95, QFont::Normal);
    return label;
}

QLabel* makeTitle(const QString& text, double scale, QWidget* parent)
{
    QLabel* label = makeLabel(text, parent);
    scaleText(label, scale, QFont::DemiBold);
    return label;
}

QLabel* makeChip(const QString& text, Tone tone, QWidget* parent)
{
    QLabel* label = makeLabel(text, parent);
    setRole(label, "chip");
    setTone(label, tone);
    label->setSizePolicy(QSizePolicy::Maximum, QSizePolicy::Fixed);
    scaleText(label, 0.95, QFont::Medium);
    return label;
}

void setTone(QWidget* widget, Tone tone)
{
    setStyleProperty(widget, "tone", nameOf(tone));
}

void setRole(QWidget* widget, const char* role)
{
    setStyleProperty(widget, "role", role);
}

QPushButton* makeButton(const QString& text, const QString& iconName, QWidget* parent)
{
    auto* button = new QPushButton(text, parent);
    if (!iconName.isEmpty()) {
        button->setIcon(icon(iconName));
        button->setIconSize(kButtonIcon);
    }
    button->setAutoDefault(false);
    return button;
}

QPushButton* makePrimaryButton(const QString& text, const QString& iconName, QWidget* parent)
{
    auto* button = new QPushButton(text, parent);
    if (!iconName.isEmpty()) {
        button->setIcon(icon(iconName, IconTone::OnAccent));
        button->setIconSize(kButtonIcon);
    }
    setRole(button, "primary");
    button->setAutoDefault(false);
    return button;
}

QPushButton* makeLinkButton(const QString& text, QWidget* parent)
{
    auto* button = new QPushButton(text, parent);
    setRole(button, "link");
    button->setCursor(Qt::PointingHandCursor);
    button->setAutoDefault(false);
    return button;
}

QToolButton* makeIconButton(const QString& iconName, const QString& name, QWidget* parent)
{
    auto* button = new QToolButton(parent);
    button->setIcon(icon(iconName, IconTone::Muted));
    button->setIconSize({16, 16});
    button->setToolTip(name);
    button->setAccessibleName(name);
    button->setFocusPolicy(Qt::StrongFocus);
    return button;
}

QFrame* makeCard(QWidget* parent)
{
    auto* frame = new QFrame(parent);
    setRole(frame, "card");
    return frame;
}

QFrame* makeLine(QWidget* parent)
{
    auto* frame = new QFrame(parent);
    setRole(frame, "line");
    frame->setFixedHeight(1);
    return frame;
}

QScrollArea* makeScroll(QWidget* content, QWidget* parent)
{
    setRole(content, "scrolled");
    auto* scroll = new QScrollArea(parent);
    scroll->setWidget(content);
    scroll->setWidgetResizable(true);
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setFocusPolicy(Qt::NoFocus);
    scroll->viewport()->setAutoFillBackground(false);
    return scroll;
}

QFont fixedFont()
{
    QFont font = QFontDatabase::systemFont(QFontDatabase::FixedFont);
    if (!QFontInfo(font).fixedPitch()) // platforms without a theme have none
        font.setFamily(QStringLiteral("monospace"));
    QFont fixed; // only the family is fixed: the size follows the application's
    fixed.setFamilies({font.family()});
    fixed.setStyleHint(QFont::Monospace);
    return fixed;
}

QString counted(qint64 count, const QString& one, const QString& many)
{
    return count == 1 ? one : many.arg(QLocale().toString(count));
}

void tighten(QBoxLayout* layout, int spacing)
{
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(spacing);
}

} // namespace sa::ui
