// SPDX-License-Identifier: GPL-3.0-or-later
// The opened model: its figures, its layers and its checks; or what is wrong with a folder; or how to open one. Fed
// with values; starts no job itself.
#pragma once

#include "ui/jobs/unfinished_jobs.h"
#include "ui/models/doctor_report.h"
#include "ui/models/model_summary.h"
#include "ui/worker/job_service.h"

#include <QWidget>

#include <optional>

class QLabel;
class QLineEdit;
class QPushButton;
class QStackedWidget;

namespace sa::ui
{

class Banner;
class DataTable;
class DoctorPanel;
class FailedView;
class LayerFilter;
class LayerTableModel;
class ModelHeader;
class SegmentedControl;
class ShareDelegate;
class StartView;
class UnfinishedList;

class ModelPage final : public QWidget
{
    Q_OBJECT
public:
    explicit ModelPage(QWidget* parent = nullptr);

    StartView* startView() const { return m_start; }
    Banner* banner() const { return m_banner; }

    void showOpening(const QString& folder);
    void showModel(const ModelSummary& model);
    /// A model that was shown before stays.
    void showOpenFailure(const QString& folder, const JobFailure& failure);

    /// The import doctor's part, for the folder that was shown last as a model or as a failure; others are ignored.
    void showChecking(const QString& folder);
    void showReport(const QString& folder, const DoctorReport& report);
    void showNoReport(const QString& folder, const QString& reason);
    DoctorPanel* checks() const { return m_checks; } ///< of the model
    DoctorPanel* failedChecks() const;               ///< of the folder that does not open

    /// What waits to be resumed: all of it on the start view, what is of the shown model above that.
    void setUnfinishedJobs(const std::vector<UnfinishedJob>& jobs);
    void setResumeAllowed(bool allowed);
    UnfinishedList* unfinished() const { return m_unfinished; } ///< of the model

    void showLayers();
    void showChecks();
    bool showsChecks() const;
    void focusFilter();

Q_SIGNALS:
    void openRequested();
    void compressRequested();
    void exportRequested();
    void retryRequested(const QString& folder);
    void checkRequested(const QString& folder);
    void resumeRequested(const sa::ui::UnfinishedJob& job);
    void discardRequested(const sa::ui::UnfinishedJob& job);
    void laterRequested(const sa::ui::UnfinishedJob& job);

private:
    enum Part { Layers, Checks };

    QWidget* makeOpening();
    QWidget* makeContent();
    QWidget* makeLayerCard();
    void showPart();
    void refreshCount();
    void refreshChecks();
    void refreshFailure();
    void refreshUnfinished();

    Banner* m_banner;
    UnfinishedList* m_unfinished;
    std::vector<UnfinishedJob> m_jobs;
    QStackedWidget* m_stack;
    StartView* m_start;
    QWidget* m_startScroll;
    QWidget* m_opening;
    QLabel* m_openingText;
    QWidget* m_content;
    ModelHeader* m_header;
    SegmentedControl* m_parts;
    QStackedWidget* m_body;
    DoctorPanel* m_checks;
    FailedView* m_failed;
    QPushButton* m_showFailed;
    QLineEdit* m_filterEdit;
    QLabel* m_count;
    DataTable* m_table;
    LayerTableModel* m_model;
    LayerFilter* m_filter;
    ShareDelegate* m_shares;
    QString m_folder;       ///< of the model, empty: none was opened
    QString m_failedFolder; ///< of the last failure, until a model opens
};

} // namespace sa::ui
