// SPDX-License-Identifier: GPL-3.0-or-later
// Measures a model against its compressed form in the real window and saves pictures on the way: for docs/images.
#pragma once

#include "ui/picture_taker.h"

namespace sa::ui
{

class MeasureTour final : public PictureTaker
{
    Q_OBJECT
public:
    struct Options {
        QString folder, suffix;
        QString original, compressed;
    };

    MeasureTour(MainWindow& window, Theme& theme, Options options, QObject* parent = nullptr);
    void start() override;

private:
    void showLatencyChooser();
    void showLatencyRunning();
    void showLatency();
    void showReportForm();
    void showReport();
    void showFailedReport();
    void showGate();

    Options m_options;
};

} // namespace sa::ui
