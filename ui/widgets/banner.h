// SPDX-License-Identifier: GPL-3.0-or-later
// An error, warning or hint inside the page it concerns: what happened, where, what was found and expected, what to do.
#pragma once

#include "ui/worker/job_service.h"

#include <QFrame>

class QLabel;
class QPlainTextEdit;
class QPushButton;
class QToolButton;

namespace sa::ui
{

class IconLabel;

class Banner final : public QFrame
{
    Q_OBJECT
public:
    enum class Severity { Info, Warning, Error };

    explicit Banner(QWidget* parent = nullptr);

    /// `title`: what the program was doing, e.g. "This model cannot be opened". `action`: the text of a button that
    /// emits acted(), or empty. All texts may come from outside.
    void showError(const QString& title, const Error& error, const QString& action = {});
    /// As showError, with the worker's last words to unfold and "Start again" as the action.
    void showFailure(const QString& title, const JobFailure& failure, const QString& action = {});
    void showMessage(Severity severity, const QString& title, const QString& text = {}, const QString& action = {});
    void dismiss();

    QString details() const { return m_details; } ///< what Copy details copies

Q_SIGNALS:
    void acted();
    void dismissed();

private:
    void setRow(QLabel* name, QLabel* value, const QString& text);
    void present(Severity severity, const QString& title, const QString& text, const QString& action);
    void setLog(const QString& log);

    IconLabel* m_icon;
    QLabel* m_title;
    QLabel* m_text;
    struct Row {
        QLabel* name;
        QLabel* value;
    };
    Row m_where, m_found, m_expected, m_remedy;
    QPushButton* m_action;
    QPushButton* m_copy;
    QToolButton* m_logToggle;
    QPlainTextEdit* m_log;
    QString m_details;
};

} // namespace sa::ui
