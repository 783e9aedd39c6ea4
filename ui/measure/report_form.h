// SPDX-License-Identifier: GPL-3.0-or-later
// What goes into a report, and the limits that the user sets.
#pragma once

#include "ui/measure/report_run.h"

#include <QWidget>

class QCheckBox;
class QDoubleSpinBox;
class QLineEdit;
class QSpinBox;

namespace sa::ui
{

class PathEdit;

class ReportForm final : public QWidget
{
    Q_OBJECT
public:
    explicit ReportForm(QWidget* parent = nullptr);

    ReportPlan plan(const QString& original, const QString& compressed) const;
    /// Fields as the plan has them; its models are not looked at.
    void setPlan(const ReportPlan& plan);
    QString obstacle() const; ///< why there is nothing to measure, or empty

Q_SIGNALS:
    void changed();

private:
    struct Limit {
        QCheckBox* wanted;
        QDoubleSpinBox* value;
    };
    QWidget* makeContents();
    QWidget* makeLimits();
    void refresh();
    static std::optional<double> valueOf(const Limit& limit);

    QCheckBox *m_text, *m_tasks, *m_latency;
    PathEdit* m_file;
    QSpinBox *m_windows, *m_items;
    QLineEdit* m_taskNames;
    Limit m_kl{}, m_perplexity{}, m_accuracy{};
};

} // namespace sa::ui
