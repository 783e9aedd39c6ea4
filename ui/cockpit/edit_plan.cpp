// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/cockpit/edit_plan.h"

namespace sa::ui
{

namespace
{

constexpr int kSeriesId = 1;

} // namespace

EditPlan::EditPlan(AllocationDocument& document, const QString& text, PlanInputs before, PlanInputs after, int series)
    : QUndoCommand(text)
    , m_document(document)
    , m_before(std::move(before))
    , m_after(std::move(after))
    , m_series(series)
{
}

void EditPlan::undo()
{
    m_document.apply(m_before);
}

void EditPlan::redo()
{
    m_document.apply(m_after);
}

int EditPlan::id() const
{
    return m_series != 0 ? kSeriesId : -1;
}

bool EditPlan::mergeWith(const QUndoCommand* other)
{
    const auto* next = static_cast<const EditPlan*>(other); // same id, same class
    if (next->m_series != m_series)
        return false;
    m_after = next->m_after;
    setObsolete(m_after == m_before);
    return true;
}

} // namespace sa::ui
