// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/log_view.h"

#include "ui/widgets/parts.h"

#include <QClipboard>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QPlainTextEdit>
#include <QScrollBar>
#include <QTime>
#include <QVBoxLayout>

namespace sa::ui
{

namespace
{

constexpr int kFrameMs = 50;
constexpr qsizetype kMaxLinesPerFrame = 200; // laying out more would hold up the window

} // namespace

LogView::LogView(QWidget* parent)
    : QWidget(parent)
{
    m_text = new QPlainTextEdit(this);
    m_text->setReadOnly(true);
    m_text->setMinimumHeight(60);
    m_text->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Ignored);
    m_text->setMaximumBlockCount(kMaxLines);
    m_text->setFont(fixedFont());
    m_text->setLineWrapMode(QPlainTextEdit::NoWrap);
    m_text->setAcceptDrops(false);
    m_text->setTabChangesFocus(true);
    m_text->setAccessibleName(tr("Log of the worker"));
    m_text->setPlaceholderText(tr("What the worker says appears here."));
    auto* copy = makeButton(tr("Copy all"), QStringLiteral("copy"), this);
    auto* clear = makeButton(tr("Clear"), {}, this);
    connect(copy, &QPushButton::clicked, this, [this] { QGuiApplication::clipboard()->setText(text()); });
    connect(clear, &QPushButton::clicked, m_text, &QPlainTextEdit::clear);
    auto* buttons = new QVBoxLayout;
    tighten(buttons, space::kTight);
    buttons->addWidget(copy);
    buttons->addWidget(clear);
    buttons->addStretch();
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(space::kMedium, 0, space::kMedium, space::kSmall);
    layout->setSpacing(space::kSmall);
    layout->addWidget(m_text, 1);
    layout->addLayout(buttons);
    m_frame.setSingleShot(true);
    m_frame.setInterval(kFrameMs);
    connect(&m_frame, &QTimer::timeout, this, &LogView::flush);
}

void LogView::append(const QString& source, const QStringList& lines)
{
    const QString prefix = QTime::currentTime().toString(QStringLiteral("HH:mm:ss ")) + source + QStringLiteral("  ");
    for (const QString& line : lines)
        m_pending += prefix + line;
    if (const qsizetype excess = m_pending.size() - kMaxLinesPerFrame; excess > 0) {
        m_pending.remove(0, excess);
        m_skipped += excess;
    }
    if (!m_frame.isActive())
        m_frame.start();
}

QString LogView::text() const
{
    return m_text->toPlainText() + (m_pending.isEmpty() ? QString() : u'\n' + m_pending.join(u'\n'));
}

void LogView::flush()
{
    if (m_skipped > 0)
        m_pending.prepend(tr("... %1 lines left out ...").arg(std::exchange(m_skipped, 0)));
    if (m_pending.isEmpty())
        return;
    const QScrollBar* bar = m_text->verticalScrollBar();
    const bool atEnd = bar->value() >= bar->maximum() - 1;
    m_text->appendPlainText(std::exchange(m_pending, {}).join(u'\n'));
    if (atEnd)
        m_text->verticalScrollBar()->setValue(m_text->verticalScrollBar()->maximum());
}

} // namespace sa::ui
