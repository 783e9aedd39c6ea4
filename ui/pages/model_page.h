// SPDX-License-Identifier: GPL-3.0-or-later
// The opened model: its figures and its layers, or how to open one. Fed with values; starts no job itself.
#pragma once

#include "ui/models/model_summary.h"
#include "ui/worker/job_service.h"

#include <QWidget>

#include <optional>

class QLabel;
class QLineEdit;
class QStackedWidget;

namespace sa::ui
{

class Banner;
class DataTable;
class LayerFilter;
class LayerTableModel;
class ModelHeader;
class ShareDelegate;
class StartView;

class ModelPage final : public QWidget
{
    Q_OBJECT
public:
    explicit ModelPage(QWidget* parent = nullptr);

    StartView* startView() const { return m_start; }
    Banner* banner() const { return m_banner; }

    void showOpening(const QString& folder);
    void showModel(const ModelSummary& model);
    /// What was shown before stays.
    void showOpenFailure(const QString& folder, const JobFailure& failure);
    void focusFilter();

Q_SIGNALS:
    void openRequested();
    void compressRequested();
    void exportRequested();
    void retryRequested(const QString& folder);

private:
    void refreshCount();

    Banner* m_banner;
    QStackedWidget* m_stack;
    StartView* m_start;
    QWidget* m_startScroll;
    QWidget* m_opening;
    QLabel* m_openingText;
    QWidget* m_content;
    ModelHeader* m_header;
    QLineEdit* m_filterEdit;
    QLabel* m_count;
    DataTable* m_table;
    LayerTableModel* m_model;
    LayerFilter* m_filter;
    ShareDelegate* m_shares;
    QString m_failedFolder;
    bool m_hasModel = false;
};

} // namespace sa::ui
