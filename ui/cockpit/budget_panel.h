// SPDX-License-Identifier: GPL-3.0-or-later
// The budget in four linked units, the slider, and what the plan costs beside a uniform one of the same size.
#pragma once

#include "ui/cockpit/allocation_document.h"
#include "ui/cockpit/budget_units.h"
#include "ui/jobs/size_forecast.h"

#include <QFrame>

class QComboBox;
class QDoubleSpinBox;
class QLabel;

namespace sa::ui
{

class BudgetTrack;

class BudgetPanel final : public QFrame
{
    Q_OBJECT
public:
    /// `document` is borrowed and must outlive the panel.
    explicit BudgetPanel(AllocationDocument& document, QWidget* parent = nullptr);

    void setTraffic(const std::optional<TokenTraffic>& traffic, int positions);
    void setSpeedBasis(const std::optional<SpeedBasis>& basis);
    BudgetTrack* track() const { return m_track; }
    QDoubleSpinBox* bitsField() const { return m_bits; }
    /// What the choice for the output head makes of the model's other bytes.
    void setHeadChange(const HeadChange& change);
    QDoubleSpinBox* fileField() const { return m_file; }
    QDoubleSpinBox* memoryField() const { return m_memory; }
    QDoubleSpinBox* speedField() const { return m_speed; }
    /// One sentence on the plan beside a uniform one.
    QString verdict() const;

private:
    QWidget* makeField(QDoubleSpinBox*& spin, QLabel*& name, const QString& title, const QString& meaning,
                       QWidget* extra = nullptr);
    void onEdited(QDoubleSpinBox* spin, std::uint64_t (BudgetUnits::*bytes)(double) const, const double& unit);
    void refreshRange();
    void refreshBudget();
    void refreshPlan();
    void setField(QDoubleSpinBox* spin, double value);

    AllocationDocument& m_document;
    BudgetUnits m_units;
    std::optional<TokenTraffic> m_traffic; ///< with the head as it is
    HeadChange m_headChange;
    double m_sizeUnit = 1, m_one = 1; ///< bytes of the size fields' unit
    BudgetTrack* m_track;
    QDoubleSpinBox *m_bits, *m_file, *m_memory, *m_speed;
    QLabel *m_bitsName, *m_fileName, *m_memoryName, *m_speedName;
    QWidget *m_memoryBox, *m_speedBox;
    QComboBox* m_context;
    QLabel *m_damageName, *m_damage, *m_verdict;
};

} // namespace sa::ui
