// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/worker/line_channel.h"

#include "ui/text.h"

#include <QElapsedTimer>
#include <QPointer>

#include <string_view>

namespace sa::ui
{

namespace
{

constexpr int kSliceMs = 6;                     // leaves most of a 16 ms frame to the window
constexpr int kFrameMs = 16;                    // progress is drawn no more often than the screen
constexpr qint64 kChunkBytes = 64 * 1024;       // one pipe's worth
constexpr qint64 kMaxBacklogBytes = 64ll << 20; // unread input that a well-behaved worker never reaches

/// A cheap look at the head of a line. A string value cannot match: its quotes would be escaped.
bool looksLikeProgress(std::string_view line)
{
    return line.substr(0, 64).find("\"progress\":{") != std::string_view::npos;
}

} // namespace

LineChannel::LineChannel(QIODevice* device, QObject* parent)
    : QObject(parent)
    , m_device(device)
{
    m_frame.setSingleShot(true);
    m_frame.setInterval(kFrameMs);
    m_again.setSingleShot(true);
    m_again.setInterval(0);
    connect(&m_frame, &QTimer::timeout, this, &LineChannel::flushProgress);
    connect(&m_again, &QTimer::timeout, this, &LineChannel::drain);
    connect(device, &QIODevice::readyRead, this, [this] {
        if (!m_again.isActive())
            drain();
    });
}

void LineChannel::finish()
{
    m_finished = true;
    m_again.start();
}

void LineChannel::drain()
{
    if (m_closed || m_draining)
        return;
    const QPointer<LineChannel> alive(this); // a receiver may delete the channel
    m_draining = true;
    QElapsedTimer slice;
    slice.start();
    while (true) {
        while (auto line = m_lines.next()) {
            if (looksLikeProgress(*line)) {
                m_progress = std::move(*line);
                if (!m_frame.isActive())
                    m_frame.start();
            } else if (!flushProgress() || !alive || !deliver(*line) || !alive) {
                return;
            }
            if (slice.hasExpired(kSliceMs)) {
                m_draining = false;
                m_again.start();
                return;
            }
        }
        if (m_device->bytesAvailable() > kMaxBacklogBytes)
            return violate(makeError(Errc::Protocol, "the worker sends faster than the window can read"));
        const QByteArray chunk = m_device->isReadable() ? m_device->read(kChunkBytes) : QByteArray();
        if (chunk.isEmpty())
            break;
        const auto fed = m_lines.feed({chunk.constData(), static_cast<std::size_t>(chunk.size())});
        if (!fed)
            return violate(fed.error());
    }
    m_draining = false;
    if (m_finished && flushProgress() && alive) {
        m_closed = true;
        Q_EMIT ended(m_lines.pending() > 0);
    }
}

/// False when the channel was closed on the way.
bool LineChannel::flushProgress()
{
    m_frame.stop();
    if (m_progress.empty())
        return !m_closed;
    const std::string line = std::exchange(m_progress, {});
    return deliver(line);
}

bool LineChannel::deliver(const std::string& line)
{
    if (m_closed)
        return false;
    const auto message = parseWorkerMessage(line);
    if (!message) {
        violate(message.error());
        return false;
    }
    const QPointer<LineChannel> alive(this);
    Q_EMIT received(*message);
    return alive && !m_closed;
}

void LineChannel::violate(const Error& error)
{
    m_closed = true;
    m_frame.stop();
    m_again.stop();
    m_progress.clear();
    Q_EMIT violated(error);
}

} // namespace sa::ui
