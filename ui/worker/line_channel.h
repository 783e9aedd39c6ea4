// SPDX-License-Identifier: GPL-3.0-or-later
// Cuts what a QIODevice delivers into messages: for a worker's stdout and for a recorded session alike. Knows nothing
// about jobs. Works in slices of a few milliseconds, so that no amount of input holds up the window.
#pragma once

#include "core/protocol/line_buffer.h"
#include "core/protocol/messages.h"

#include <QIODevice>
#include <QObject>
#include <QTimer>

namespace sa::ui
{

class LineChannel final : public QObject
{
    Q_OBJECT
public:
    /// `device` is borrowed and must outlive the channel. Reads on readyRead(); a file needs one call of drain().
    explicit LineChannel(QIODevice* device, QObject* parent = nullptr);

    void drain();
    /// No more bytes will come: delivers what is left, then ended().
    void finish();

Q_SIGNALS:
    /// Progress is a state, not an event: of a run of progress lines only the last is parsed and delivered, once a
    /// frame.
    void received(const sa::WorkerMessage& message);
    /// The other end broke the contract. Nothing is delivered after this.
    void violated(const sa::Error& error);
    /// After finish(). `halfLine`: the last line had no end and was dropped.
    void ended(bool halfLine);

private:
    bool deliver(const std::string& line);
    bool flushProgress();
    void violate(const Error& error);

    QIODevice* m_device;
    LineBuffer m_lines;
    std::string m_progress; ///< the held progress line, or empty
    QTimer m_frame;         ///< until the held line is delivered
    QTimer m_again;         ///< the rest of a long input, after the event loop had its turn
    bool m_finished = false;
    bool m_closed = false; ///< after violated() or ended()
    bool m_draining = false;
};

} // namespace sa::ui
