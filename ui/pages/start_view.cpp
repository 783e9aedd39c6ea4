// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/pages/start_view.h"

#include "ui/pages/unfinished_list.h"
#include "ui/style/icons.h"
#include "ui/style/theme.h"
#include "ui/text.h"
#include "ui/widgets/elided_label.h"
#include "ui/widgets/icon_label.h"
#include "ui/widgets/parts.h"

#include <QFileInfo>
#include <QHBoxLayout>
#include <QPainter>
#include <QVBoxLayout>

namespace sa::ui
{

namespace
{

constexpr int kColumnWidth = 620;
constexpr int kShownRecent = 4;

/// A button of two lines: the folder's name, and where it is.
QPushButton* recentButton(const QString& folder, QWidget* parent)
{
    auto* button = new QPushButton(parent);
    setRole(button, "recent");
    button->setAutoDefault(false);
    button->setCursor(Qt::PointingHandCursor);
    auto* glyph = new IconLabel(18, button);
    glyph->setIcon(icon(QStringLiteral("folder"), IconTone::Muted));
    auto* name = new ElidedLabel(Qt::ElideRight, button);
    name->setText(QFileInfo(folder).fileName());
    auto* path = new ElidedLabel(Qt::ElideMiddle, button);
    path->setText(folder);
    path->setMuted(true);
    auto* layout = new QHBoxLayout(button);
    layout->setContentsMargins(10, 6, 10, 6);
    layout->setSpacing(space::kMedium);
    layout->addWidget(glyph);
    layout->addWidget(name, 2);
    layout->addWidget(path, 5);
    for (QWidget* part : {static_cast<QWidget*>(glyph), static_cast<QWidget*>(name), static_cast<QWidget*>(path)})
        part->setAttribute(Qt::WA_TransparentForMouseEvents);
    button->setMinimumHeight(name->sizeHint().height() + 14);
    button->setAccessibleName(QWidget::tr("Open %1").arg(shown(folder, 1000)));
    button->setToolTip(plainToolTip(shown(folder, 1000)));
    return button;
}

} // namespace

/// A dashed frame; style sheets draw the corners of one badly.
class DropZone final : public QWidget
{
public:
    using QWidget::QWidget;
    void setActive(bool active)
    {
        m_active = active;
        update();
    }

protected:
    void paintEvent(QPaintEvent* event) override
    {
        Q_UNUSED(event)
        const Colors& colors = colorsOf(palette());
        QPainter painter(this);
        painter.setRenderHint(QPainter::Antialiasing);
        QPen pen(m_active ? colors.accent : colors.borderStrong, 1.5);
        pen.setDashPattern({4, 3.5});
        painter.setPen(pen);
        painter.setBrush(m_active ? colors.accentSoft : colors.surface);
        painter.drawRoundedRect(QRectF(rect()).adjusted(1, 1, -1, -1), 12, 12);
    }

private:
    bool m_active = false;
};

StartView::StartView(QWidget* parent)
    : QWidget(parent)
{
    auto* logo = new IconLabel(60, this);
    logo->setIcon(QIcon(QStringLiteral(":/icons/shiftadd-workbench.svg")));
    auto* title = makeTitle(tr("Make a language model smaller"), 1.7, this);
    auto* subtitle = makeMuted(tr("See its layers, choose how small it may get, and compare before and after."), this);

    m_dropZone = new DropZone(this);
    auto* tray = new IconLabel(32, m_dropZone);
    tray->setIcon(icon(QStringLiteral("drop"), IconTone::Accent));
    auto* hint = makeTitle(tr("Drop a model folder anywhere in this window"), 1.15, m_dropZone);
    auto* formats =
        makeCaption(tr("A Hugging Face folder: config.json, a tokenizer and .safetensors or .bin weights"), m_dropZone);
    auto* families = makeCaption(tr("Families: OPT, LLaMA, Mistral, Gemma, Bloom, Qwen"), m_dropZone);
    for (QLabel* label : {formats, families})
        label->setAlignment(Qt::AlignHCenter);
    auto* open = makePrimaryButton(tr("Open a folder…"), QStringLiteral("open"), m_dropZone);
    m_sample = makeButton(tr("Open the sample model"), QStringLiteral("sample"), m_dropZone);
    m_sample->setToolTip(tr("A small LLaMA that comes with the program: the whole tour takes about a minute"));
    connect(open, &QPushButton::clicked, this, &StartView::openRequested);
    connect(m_sample, &QPushButton::clicked, this, &StartView::sampleRequested);

    auto* buttons = new QHBoxLayout;
    tighten(buttons, space::kSmall);
    buttons->addStretch();
    buttons->addWidget(open);
    buttons->addWidget(m_sample);
    buttons->addStretch();
    auto* zone = new QVBoxLayout(m_dropZone);
    zone->setContentsMargins(space::kPage, 34, space::kPage, 34);
    zone->setSpacing(space::kSmall);
    zone->addWidget(tray, 0, Qt::AlignHCenter);
    zone->addSpacing(space::kTight);
    zone->addWidget(hint, 0, Qt::AlignHCenter);
    zone->addWidget(formats);
    zone->addWidget(families);
    zone->addSpacing(space::kMedium);
    zone->addLayout(buttons);

    m_unfinished = new UnfinishedList(this);
    m_recent = new QWidget(this);
    auto* recent = new QVBoxLayout(m_recent);
    tighten(recent, space::kSmall);
    recent->addWidget(makeTitle(tr("Recent models"), 1.0, m_recent));
    auto* card = makeCard(m_recent);
    m_recentRows = new QVBoxLayout(card);
    m_recentRows->setContentsMargins(space::kTight, space::kTight, space::kTight, space::kTight);
    m_recentRows->setSpacing(0);
    recent->addWidget(card);

    auto* column = new QVBoxLayout;
    tighten(column, space::kTight);
    column->addStretch(2);
    column->addWidget(logo, 0, Qt::AlignHCenter);
    column->addSpacing(space::kMedium);
    column->addWidget(title, 0, Qt::AlignHCenter);
    column->addWidget(subtitle, 0, Qt::AlignHCenter);
    column->addSpacing(space::kPage);
    column->addWidget(m_unfinished);
    column->addSpacing(space::kMedium);
    column->addWidget(m_dropZone);
    column->addSpacing(space::kPage);
    column->addWidget(m_recent);
    column->addStretch(3);
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(space::kPage, space::kPage, space::kPage, space::kPage);
    row->addStretch(1);
    row->addLayout(column, 0);
    row->addStretch(1);
    m_dropZone->setMinimumWidth(kColumnWidth);
    setRecentModels({});
}

void StartView::setRecentModels(const QStringList& folders)
{
    while (QLayoutItem* item = m_recentRows->takeAt(0)) {
        item->widget()->deleteLater();
        delete item;
    }
    for (const QString& folder : folders.mid(0, kShownRecent)) {
        QPushButton* button = recentButton(folder, m_recent);
        connect(button, &QPushButton::clicked, this, [this, folder] { Q_EMIT recentRequested(folder); });
        m_recentRows->addWidget(button);
    }
    m_recent->setVisible(!folders.isEmpty());
}

void StartView::setSampleAvailable(bool available)
{
    m_sample->setVisible(available);
}

void StartView::setDropActive(bool active)
{
    m_dropZone->setActive(active);
}

} // namespace sa::ui
