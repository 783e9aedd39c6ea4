// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/picture_taker.h"

#include "ui/main_window.h"
#include "ui/style/theme.h"

#include <QApplication>
#include <QDir>
#include <QImageWriter>
#include <QPainter>

#include <cstdio>
#include <utility>

namespace sa::ui
{

namespace
{

constexpr int kSettleMs = 150; // layouts, palettes and plots change in queued events
constexpr int kPollMs = 50;
constexpr int kPatienceMs = 20 * 60 * 1000;

} // namespace

PictureTaker::PictureTaker(MainWindow& window, Theme& theme, QString folder, QString suffix, QObject* parent)
    : QObject(parent)
    , m_window(window)
    , m_theme(theme)
    , m_folder(std::move(folder))
    , m_suffix(std::move(suffix))
{
    m_poll.setInterval(kPollMs);
    connect(&m_poll, &QTimer::timeout, this, [this] {
        if (!m_ready || !m_ready())
            return;
        m_poll.stop();
        std::exchange(m_next, {})();
    });
    m_patience.setSingleShot(true);
    m_patience.setInterval(kPatienceMs);
    connect(&m_patience, &QTimer::timeout, this, [this] { fail(QStringLiteral("the worker takes too long")); });
}

bool PictureTaker::begin()
{
    if (!QDir().mkpath(m_folder)) {
        fail(QStringLiteral("cannot create the folder for the pictures"));
        return false;
    }
    m_patience.start();
    m_window.resize(1280, 800);
    return true;
}

void PictureTaker::waitFor(std::function<bool()> ready, std::function<void()> next)
{
    m_ready = std::move(ready);
    m_next = std::move(next);
    m_poll.start();
}

void PictureTaker::shoot(const QString& state, std::function<void()> next)
{
    m_theme.apply(ThemeMode::Light);
    QTimer::singleShot(kSettleMs, this, [this, state, next = std::move(next)] {
        if (!save(state + QStringLiteral("-light")))
            return;
        m_theme.apply(ThemeMode::Dark);
        QTimer::singleShot(kSettleMs, this, [this, state, next] {
            if (save(state + QStringLiteral("-dark")))
                next();
        });
    });
}

bool PictureTaker::save(const QString& name)
{
    QImageWriter writer(QDir(m_folder).filePath(name + m_suffix + QStringLiteral(".png")), "png");
    writer.setCompression(100); // smallest files
    QPixmap picture = m_window.grab();
    if (QWidget* dialog = QApplication::activeModalWidget()) { // a window of its own: put where it is seen
        QPainter painter(&picture);
        const QRect place(QPoint((m_window.width() - dialog->width()) / 2, (m_window.height() - dialog->height()) / 2),
                          dialog->size());
        painter.fillRect(m_window.rect(), QColor(0, 0, 0, 60));
        painter.drawPixmap(place.topLeft(), dialog->grab());
        painter.setPen(colorsOf(dialog->palette()).borderStrong);
        painter.drawRect(place.adjusted(0, 0, -1, -1));
    }
    if (writer.write(picture.toImage().convertToFormat(QImage::Format_RGB888)))
        return true;
    fail(writer.errorString());
    return false;
}

void PictureTaker::succeed()
{
    m_over = true;
    Q_EMIT finished(0);
}

void PictureTaker::fail(const QString& what)
{
    if (std::exchange(m_over, true))
        return;
    m_poll.stop();
    std::fprintf(stderr, "pictures: %s\n", qPrintable(what));
    QMetaObject::invokeMethod(
        this, [this] { Q_EMIT finished(1); }, Qt::QueuedConnection);
}

} // namespace sa::ui
