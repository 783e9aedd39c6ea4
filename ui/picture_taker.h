// SPDX-License-Identifier: GPL-3.0-or-later
// What the tours share that take pictures of the real window: waiting for a state, saving it in both themes.
#pragma once

#include <QObject>
#include <QTimer>

#include <functional>

namespace sa::ui
{

class MainWindow;
class Theme;

class PictureTaker : public QObject
{
    Q_OBJECT
public:
    virtual void start() = 0;

Q_SIGNALS:
    /// 0, or 1 after a line on stderr.
    void finished(int status);

protected:
    /// Window and theme are borrowed and must outlive the tour. `suffix`: added to the file names, "@2x".
    PictureTaker(MainWindow& window, Theme& theme, QString folder, QString suffix, QObject* parent);

    /// Makes the folder, sizes the window and starts the clock. False after fail().
    bool begin();
    /// Saves STATE-light and STATE-dark, then goes on.
    void shoot(const QString& state, std::function<void()> next);
    /// Asks every 50 ms until it is true.
    void waitFor(std::function<bool()> ready, std::function<void()> next);
    void succeed();
    void fail(const QString& what);

    MainWindow& m_window;

private:
    bool save(const QString& name);

    Theme& m_theme;
    QString m_folder, m_suffix;
    QTimer m_poll;
    QTimer m_patience;
    std::function<bool()> m_ready;
    std::function<void()> m_next;
    bool m_over = false;
};

} // namespace sa::ui
