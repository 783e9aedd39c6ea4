// SPDX-License-Identifier: GPL-3.0-or-later
// Title of the bit budget page, how far its figures can be trusted, what goes on, and the buttons.
#pragma once

#include "ui/cockpit/allocation_document.h"

#include <QWidget>

class QAction;
class QComboBox;
class QHBoxLayout;
class QLabel;
class QMenu;
class QProgressBar;
class QPushButton;
class QToolButton;

namespace sa
{
struct Progress;
}

namespace sa::ui
{

class CockpitHeader final : public QWidget
{
    Q_OBJECT
public:
    enum class Work { None, Estimating, Measuring, Cancelling };

    /// `document` is borrowed and must outlive the header.
    explicit CockpitHeader(AllocationDocument& document, QWidget* parent = nullptr);

    void addIconAction(QAction* action); ///< left of the menu
    QMenu* menu() const { return m_menu; }
    void setWork(Work work);
    void setProgress(const Progress& progress);
    /// Why nothing can be started now, or empty.
    void setBlocked(const QString& reason);
    QString status() const;
    QString activityText() const;
    double fraction() const;

Q_SIGNALS:
    void analyzeRequested();
    void cancelRequested();
    void compressRequested();

private:
    void refresh();
    void refreshRule();

    AllocationDocument& m_document;
    QLabel* m_status;
    QProgressBar* m_bar;
    QComboBox* m_rule;
    QToolButton* m_more;
    QMenu* m_menu;
    QPushButton *m_analyze, *m_compress;
    QHBoxLayout* m_icons;
    Work m_work = Work::None;
    QString m_progress, m_blocked;
};

} // namespace sa::ui
