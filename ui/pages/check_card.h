// SPDX-License-Identifier: GPL-3.0-or-later
// Whether and on what the model is measured before and after.
#pragma once

#include "core/protocol/job_spec.h"
#include "ui/widgets/form_card.h"

class QCheckBox;

namespace sa::ui
{

class PathEdit;

class CheckCard final : public FormCard
{
    Q_OBJECT
public:
    explicit CheckCard(QWidget* parent = nullptr);

    bool isWanted() const;
    /// False while a measurement is wanted and there is no text for it.
    bool isComplete() const;
    /// `positions`: tokens that the model can read; 0: unknown.
    EvaluateSpec evaluation(int positions) const;
    void setWindows(int windows);

Q_SIGNALS:
    void changed();

private:
    QString text() const;
    void followText();

    QCheckBox* m_wanted;
    PathEdit* m_text;
    QSpinBox* m_windows;
    QCheckBox* m_raw;
};

} // namespace sa::ui
