// SPDX-License-Identifier: GPL-3.0-or-later
// The limits of a report beside what was measured, and whether they were kept.
#pragma once

#include "ui/measure/report_store.h"

#include <QFrame>

class QGridLayout;
class QLabel;

namespace sa::ui
{

class LimitsCard final : public QFrame
{
    Q_OBJECT
public:
    explicit LimitsCard(QWidget* parent = nullptr);
    void setReport(const Report& report);
    QString text() const; ///< all of it, for screen readers and tests

private:
    QLabel *m_title, *m_made, *m_reason;
    QGridLayout* m_grid;
    QStringList m_lines;
};

} // namespace sa::ui
