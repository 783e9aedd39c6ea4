// SPDX-License-Identifier: GPL-3.0-or-later
// How both models choose their tokens, and whether they do at once.
#pragma once

#include "ui/compare/conversation.h"

#include <QWidget>

class QDoubleSpinBox;
class QHBoxLayout;
class QLabel;
class QLineEdit;
class QSpinBox;

namespace sa::ui
{

class SegmentedControl;

class SamplingBar final : public QWidget
{
    Q_OBJECT
public:
    explicit SamplingBar(QWidget* parent = nullptr);

    Sampling sampling() const;
    void setSampling(const Sampling& sampling);
    bool isInTurn() const;
    void setInTurn(bool inTurn);
    /// What the choice between at once and in turn rests on.
    void setMemoryRemark(const QString& text, bool warning);
    QString memoryRemark() const;
    /// At the end of the bar.
    void addButtons(const QList<QWidget*>& buttons);

Q_SIGNALS:
    void samplingChanged();
    void inTurnChosen(bool inTurn); ///< by the user

private:
    void refresh();

    QHBoxLayout* m_row;
    SegmentedControl* m_choice;
    QDoubleSpinBox *m_temperature, *m_topP;
    QSpinBox *m_seed, *m_length;
    QLineEdit* m_system;
    SegmentedControl* m_order;
    QLabel* m_memory;
    QList<QWidget*> m_randomOnly;
    std::uint64_t m_wideSeed = 0; ///< of a file; wider than the field
    bool m_setting = false;
};

} // namespace sa::ui
