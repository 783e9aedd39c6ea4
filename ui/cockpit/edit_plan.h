// SPDX-License-Identifier: GPL-3.0-or-later
// The one undo command of AllocationDocument: what was demanded before and after. Demands are small, so both are kept
// whole.
#pragma once

#include "ui/cockpit/allocation_document.h"

#include <QUndoCommand>

namespace sa::ui
{

class EditPlan final : public QUndoCommand
{
public:
    /// `document` is borrowed; it owns the stack and outlives it. Successive edits of the same `series` are one step;
    /// 0: always a step of its own.
    EditPlan(AllocationDocument& document, const QString& text, PlanInputs before, PlanInputs after, int series = 0);

    void undo() override;
    void redo() override;
    int id() const override;
    bool mergeWith(const QUndoCommand* other) override;

private:
    AllocationDocument& m_document;
    PlanInputs m_before, m_after;
    int m_series;
};

} // namespace sa::ui
