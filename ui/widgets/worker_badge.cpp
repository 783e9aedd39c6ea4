// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/widgets/worker_badge.h"

#include "ui/style/theme.h"
#include "ui/text.h"
#include "ui/widgets/parts.h"

#include <QHBoxLayout>
#include <QPainter>

namespace sa::ui
{

namespace
{

constexpr int kDot = 8;

QString helloText(const Hello& hello)
{
    QStringList parts;
    if (!hello.devices.empty()) {
        const DeviceInfo& device = hello.devices.front();
        parts += device.threads > 0
                     ? shown(device.id, 40) + QStringLiteral(", ") +
                           counted(device.threads, WorkerBadge::tr("1 thread"), WorkerBadge::tr("%1 threads"))
                     : shown(device.id, 40);
    }
    if (!hello.kernel.empty())
        parts += WorkerBadge::tr("%1 kernel").arg(shown(hello.kernel, 40));
    return parts.join(QStringLiteral(" · "));
}

QString deviceToolTip(const Hello& hello)
{
    QStringList lines{WorkerBadge::tr("The worker does the computing in a process of its own.")};
    for (const DeviceInfo& device : hello.devices)
        lines += WorkerBadge::tr("%1: %2, %3")
                     .arg(shown(device.id, 40), shown(device.name, 80), bytesText(device.memoryBytes));
    return lines.join(u'\n');
}

} // namespace

WorkerBadge::WorkerBadge(QWidget* parent)
    : QWidget(parent)
    , m_label(makeMuted({}, this))
{
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(14 + kDot + 7, 3, space::kMedium, 3);
    layout->addWidget(m_label);
    setState(WorkerClient::State::NotStarted, {});
}

void WorkerBadge::setState(WorkerClient::State state, const std::optional<Hello>& hello)
{
    m_state = state;
    switch (state) {
    case WorkerClient::State::NotStarted:
        m_stateText = tr("Worker not started");
        break;
    case WorkerClient::State::Starting:
        m_stateText = tr("Worker is starting");
        break;
    case WorkerClient::State::Ready:
        m_stateText = tr("Ready");
        break;
    case WorkerClient::State::Busy:
        m_stateText = tr("Working");
        break;
    case WorkerClient::State::Stopping:
        m_stateText = tr("Stopping");
        break;
    case WorkerClient::State::Dead:
        m_stateText = tr("Worker has ended; the next job starts a new one");
        break;
    }
    if (hello && (state == WorkerClient::State::Ready || state == WorkerClient::State::Busy)) {
        m_stateText += QStringLiteral(" · ") + helloText(*hello);
        setToolTip(plainToolTip(deviceToolTip(*hello)).replace(u'\n', QStringLiteral("<br>")));
    } else {
        setToolTip(tr("The worker does the computing in a process of its own."));
    }
    refresh();
}

void WorkerBadge::setRemark(const QString& text)
{
    m_remark = text;
    refresh();
}

QString WorkerBadge::text() const
{
    return m_label->text();
}

void WorkerBadge::refresh()
{
    m_label->setText(m_remark.isEmpty() ? m_stateText : m_remark);
    setAccessibleName(tr("Worker: %1").arg(m_label->text()));
    update();
}

void WorkerBadge::paintEvent(QPaintEvent* event)
{
    Q_UNUSED(event)
    const Colors& colors = colorsOf(palette());
    QColor color = colors.borderStrong;
    if (!m_remark.isEmpty() || m_state == WorkerClient::State::Stopping || m_state == WorkerClient::State::Starting)
        color = colors.warning;
    else if (m_state == WorkerClient::State::Ready)
        color = colors.success;
    else if (m_state == WorkerClient::State::Busy)
        color = colors.accent;
    else if (m_state == WorkerClient::State::Dead)
        color = colors.danger;
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(Qt::NoPen);
    painter.setBrush(color);
    painter.drawEllipse(QRectF(14, (height() - kDot) / 2.0, kDot, kDot));
}

} // namespace sa::ui
