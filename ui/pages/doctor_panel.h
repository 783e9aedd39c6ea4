// SPDX-License-Identifier: GPL-3.0-or-later
// What the import doctor found in a model's folder: a line that sums up, then a row for each check with its remedy.
// As high as its rows while there is room. Fed with values; starts no job itself.
#pragma once

#include "ui/models/doctor_report.h"

#include <QFrame>

class QLabel;
class QPushButton;

namespace sa::ui
{

class CheckList;
class CheckListModel;
class IconLabel;

class DoctorPanel final : public QFrame
{
    Q_OBJECT
public:
    enum class State { Empty, Checking, Done, Failed };

    explicit DoctorPanel(QWidget* parent = nullptr);

    /// Nothing is known, and nobody is looking.
    void clear();
    void showChecking();
    /// `name`: the model's, for the copied text; may come from outside.
    void showReport(const QString& name, const DoctorReport& report);
    /// No checks could be made; `reason` says why, and is ours.
    void showFailure(const QString& reason);

    State state() const { return m_state; }
    int needAttention() const { return m_needAttention; }
    QString summary() const;
    CheckList* list() const { return m_list; }
    /// What Copy copies.
    QString plainText() const;

Q_SIGNALS:
    void checkRequested();

private:
    void setState(State state, const QString& headline, const QString& remark);

    State m_state = State::Empty;
    int m_needAttention = 0;
    QString m_name;
    IconLabel* m_icon;
    QLabel* m_headline;
    QLabel* m_remark;
    QPushButton* m_again;
    QPushButton* m_copy;
    QFrame* m_line;
    CheckListModel* m_model;
    CheckList* m_list;
};

} // namespace sa::ui
