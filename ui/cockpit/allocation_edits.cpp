// SPDX-License-Identifier: GPL-3.0-or-later
// The edits of an AllocationDocument: each becomes one undo command.
#include "ui/cockpit/allocation_document.h"
#include "ui/cockpit/edit_plan.h"
#include "ui/text.h"
#include "ui/widgets/parts.h"

#include <QUndoStack>

#include <algorithm>
#include <set>
#include <utility>

namespace sa::ui
{

namespace
{

constexpr int kMergeMs = 900; // key presses closer than this are one step

} // namespace

void AllocationDocument::push(const QString& text, PlanInputs after, int series)
{
    settleBudget(after);
    if (after != m_inputs)
        m_undo->push(new EditPlan(*this, text, m_inputs, std::move(after), series));
}

void AllocationDocument::setRule(Rule rule)
{
    PlanInputs after = m_inputs;
    after.rule = rule;
    push(tr("choose the rule"), std::move(after));
}

void AllocationDocument::setBudget(std::uint64_t bytes)
{
    if (isDragging())
        return dragTo(bytes);
    if (!m_lastStep.isValid() || m_lastStep.elapsed() > kMergeMs)
        ++m_series;
    m_lastStep.start();
    PlanInputs after = m_inputs;
    after.budget = bytes;
    push(tr("change the budget"), std::move(after), m_series);
}

void AllocationDocument::beginDrag()
{
    if (!isDragging())
        m_dragStart = m_inputs;
}

void AllocationDocument::dragTo(std::uint64_t bytes)
{
    beginDrag();
    PlanInputs inputs = m_inputs;
    inputs.budget = bytes;
    apply(inputs);
}

void AllocationDocument::endDrag()
{
    if (!isDragging())
        return;
    const PlanInputs before = *std::exchange(m_dragStart, std::nullopt);
    m_lastStep.invalidate();
    if (m_inputs != before)
        m_undo->push(new EditPlan(*this, tr("change the budget"), before, m_inputs));
}

/// "q_proj of block 3" or "5 layers".
QString AllocationDocument::subject(const std::vector<int>& linears) const
{
    if (linears.size() != 1)
        return counted(static_cast<qint64>(linears.size()), tr("1 layer"), tr("%1 layers"));
    const LinearSensitivity& linear = m_sensitivity->linears[static_cast<std::size_t>(linears.front())];
    return tr("%1 of block %2").arg(shown(linear.projection, 60)).arg(linear.block);
}

void AllocationDocument::editRules(const QString& text, const std::vector<int>& linears, const LinearRule& rule)
{
    if (linears.empty())
        return;
    PlanInputs after = m_inputs;
    for (const int linear : linears) {
        const std::string& name = m_sensitivity->linears[static_cast<std::size_t>(linear)].name;
        if (rule.empty())
            after.constraints.rules.erase(name);
        else
            after.constraints.rules[name] = rule;
    }
    push(text.arg(subject(linears)), std::move(after));
}

void AllocationDocument::pin(const std::vector<int>& linears, int bits)
{
    LinearRule rule;
    rule.pin = bits;
    editRules(bits == kKeptBits
                  ? tr("keep %1 as it is")
                  : tr("pin %2 to %1").arg(counted(bits, tr("1 bit"), tr("%1 bits")), QStringLiteral("%1")),
              linears, rule);
}

void AllocationDocument::setRange(const std::vector<int>& linears, int low, int high)
{
    LinearRule rule;
    rule.low = low;
    rule.high = high;
    editRules(tr("limit the bits of %1"), linears, rule);
}

void AllocationDocument::exclude(const std::vector<int>& linears)
{
    LinearRule rule;
    rule.excluded = true;
    editRules(tr("exclude %1"), linears, rule);
}

void AllocationDocument::clearRules(const std::vector<int>& linears)
{
    editRules(tr("free %1"), linears, {});
}

void AllocationDocument::link(const std::vector<int>& linears)
{
    if (linears.size() < 2)
        return;
    std::vector<std::string> group;
    for (const int linear : linears)
        group.push_back(m_sensitivity->linears[static_cast<std::size_t>(linear)].name);
    PlanInputs after = m_inputs;
    after.constraints.links.push_back(std::move(group));
    push(tr("link %1").arg(subject(linears)), std::move(after));
}

/// Takes them out of every group; what remains of a group stays linked.
void AllocationDocument::unlink(const std::vector<int>& linears)
{
    std::set<std::string> names;
    for (const int linear : linears)
        names.insert(m_sensitivity->linears[static_cast<std::size_t>(linear)].name);
    PlanInputs after = m_inputs;
    for (auto& group : after.constraints.links)
        std::erase_if(group, [&names](const std::string& name) { return names.count(name) != 0; });
    std::erase_if(after.constraints.links, [](const auto& group) { return group.size() < 2; });
    push(tr("unlink %1").arg(subject(linears)), std::move(after));
}

void AllocationDocument::linkSharedInputs()
{
    PlanInputs after = m_inputs;
    const auto groups = linksBySharedInput(*m_sensitivity);
    for (const auto& group : groups)
        if (std::find(after.constraints.links.begin(), after.constraints.links.end(), group) ==
            after.constraints.links.end())
            after.constraints.links.push_back(group);
    push(tr("link what reads the same input"), std::move(after));
}

Result<void> AllocationDocument::adopt(const Plan& plan)
{
    if (plan.bits.size() != m_sensitivity->linears.size() ||
        !std::all_of(plan.bits.begin(), plan.bits.end(),
                     [this](const auto& entry) { return indexOf(entry.first) >= 0; }))
        return makeError(Errc::BadInput, "the plan is of another model")
            .butFound(std::to_string(plan.bits.size()) + " layers, for " + display(plan.model.name, 80))
            .wanted("the " + std::to_string(m_sensitivity->linears.size()) + " layers of " +
                    display(m_sensitivity->model.name, 80));
    SA_CHECK(checkNames(plan.constraints));
    PlanInputs after;
    after.constraints = plan.constraints;
    after.budget = plan.budgetBytes > 0 ? plan.budgetBytes : plan.bytes;
    after.rule = plan.rule;
    push(tr("load a plan"), std::move(after));
    return {};
}

Result<void> AllocationDocument::restore(const PlanInputs& inputs)
{
    SA_CHECK(checkNames(inputs.constraints));
    push(tr("bring back the last demands"), inputs);
    return {};
}

Result<void> AllocationDocument::checkNames(const Constraints& constraints) const
{
    const auto check = [this](const std::string& linear) -> Result<void> {
        if (indexOf(linear) < 0)
            return makeError(Errc::BadInput, "there is a demand on a layer that the model does not have")
                .butFound(display(linear, 200));
        return {};
    };
    for (const auto& [linear, rule] : constraints.rules)
        SA_CHECK(check(linear));
    for (const auto& group : constraints.links)
        for (const std::string& linear : group)
            SA_CHECK(check(linear));
    return {};
}

} // namespace sa::ui
