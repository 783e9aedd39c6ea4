// SPDX-License-Identifier: GPL-3.0-or-later
// Drives the real window and the real worker through the main job and saves a picture of every state in both themes.
// For docs/images, and as proof of life on a machine without a display.
#pragma once

#include "ui/picture_taker.h"

namespace sa::ui
{

class DoctorPanel;

class PictureTour final : public PictureTaker
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
    void start() override;

private:
    void waitForChecks(const DoctorPanel* panel, std::function<void()> next);
    bool prepare();
    bool copyModel(const QString& target, bool cutWeights) const;

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

    Options m_options;
    QString m_models; ///< removed at the end
    int m_layers = 0;
};

} // namespace sa::ui
