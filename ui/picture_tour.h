// SPDX-License-Identifier: GPL-3.0-or-later
// Drives the real window and the real worker through the main job and saves a picture of every state in both themes.
// For docs/images, and as proof of life on a machine without a display.
#pragma once

#include <QObject>
#include <QTimer>

#include <functional>

namespace sa::ui
{

class DoctorPanel;
class MainWindow;
class Theme;

class PictureTour final : public QObject
{
    Q_OBJECT
public:
    struct Options {
        QString folder; ///< where the pictures go
        QString model;  ///< an original model, empty: the sample; the run writes into a temporary folder, not beside it
        QString suffix; ///< added to the file names: "@2x"
        QString sensitivity; ///< a sensitivity file of a larger model, for the bit budget page; empty: none
    };

    /// Window and theme are borrowed and must outlive the tour.
    PictureTour(MainWindow& window, Theme& theme, Options options, QObject* parent = nullptr);
    ~PictureTour() override;
    void start();

Q_SIGNALS:
    /// 0, or 1 after a line on stderr.
    void finished(int status);

private:
    /// Saves STATE-light and STATE-dark, then goes on.
    void shoot(const QString& state, std::function<void()> next);
    bool save(const QString& name);
    /// Asks every 50 ms until it is true.
    void waitFor(std::function<bool()> ready, std::function<void()> next);
    void waitForChecks(const DoctorPanel* panel, std::function<void()> next);
    bool prepare();
    bool copyModel(const QString& target, bool cutWeights) const;
    void fail(const QString& what);

    void showError();
    void showModel();
    void showChecks();
    void showEstimated();
    void showAnalyzed();
    void showDrag();
    void showPinned();
    void showLargeModel();
    void showRun();
    void showStopped();
    void showResult();
    void showPrompt();
    void showCheck();

    MainWindow& m_window;
    Theme& m_theme;
    Options m_options;
    QString m_models; ///< removed at the end
    int m_layers = 0;
    QTimer m_poll;
    QTimer m_patience;
    std::function<bool()> m_ready;
    std::function<void()> m_next;
    bool m_over = false;
};

} // namespace sa::ui
