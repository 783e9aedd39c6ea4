// SPDX-License-Identifier: GPL-3.0-or-later
// One prompt, two models, one after the other in the same worker: the text as it comes, side by side.
#pragma once

#include "ui/jobs/compression_run.h"
#include "ui/jobs/single_job.h"

#include <QTimer>
#include <QWidget>

class QLabel;
class QLineEdit;
class QPlainTextEdit;
class QPushButton;
class QSpinBox;

namespace sa::ui
{

class PromptPanel final : public QWidget
{
    Q_OBJECT
public:
    explicit PromptPanel(QWidget* parent = nullptr);

    void setService(JobService* service) { m_service = service; }
    void reset(const RunPlan& plan);
    void setJobsAllowed(bool allowed);
    bool isRunning() const { return m_job.isRunning(); }
    void setPrompt(const QString& prompt);
    void generate();
    void cancel();

Q_SIGNALS:
    void runningChanged(bool running);
    /// The compressed model has generated at this speed.
    void speedMeasured(double tokensPerSecond);
    void failed(const sa::ui::JobFailure& failure);

private:
    struct Pane {
        QPlainTextEdit* text = nullptr;
        QLabel* speed = nullptr;
        QString pending; ///< tokens that wait for the next frame
    };
    Pane makePane(const QString& title, QWidget* card);
    void startSide(int side);
    void flush();
    void finish();
    void refreshButton();

    JobService* m_service = nullptr;
    SingleJob m_job;
    RunPlan m_plan;
    QLineEdit* m_prompt;
    QSpinBox* m_length;
    QPushButton* m_button;
    Pane m_panes[2];
    int m_side = 0;
    bool m_allowed = true;
    QTimer m_frame;
};

} // namespace sa::ui
