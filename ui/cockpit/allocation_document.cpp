// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/cockpit/allocation_document.h"

#include <QUndoStack>

#include <algorithm>
#include <utility>

namespace sa::ui
{

namespace
{

constexpr int kUndoLimit = 500;
constexpr int kDefaultBits = 3; // the budget that a new model starts with: that of the usual uniform plan
constexpr double kDefaultBitsPerWeight = 3.2;

} // namespace

AllocationDocument::AllocationDocument(QObject* parent)
    : QObject(parent)
    , m_undo(new QUndoStack(this))
{
    m_undo->setUndoLimit(kUndoLimit);
    connect(&m_solver, &LiveSolver::prepared, this, [this] {
        settleBudget(m_inputs);
        setProblem({});
        Q_EMIT plansChanged();
        solve();
    });
    connect(&m_solver, &LiveSolver::prepareFailed, this, [this](const Error& error) { setProblem(error); });
    connect(&m_solver, &LiveSolver::solved, this, [this](const Allocation& allocation, quint64 ticket) {
        m_allocation = allocation;
        m_answered = ticket == m_ticket ? m_asked : std::nullopt; // or a newer question waits for its answer
        setProblem({});
        Q_EMIT allocationChanged();
    });
    connect(&m_solver, &LiveSolver::solveFailed, this, [this](const Error& error) { setProblem(error); });
}

AllocationDocument::~AllocationDocument()
{
    m_undo->disconnect(); // it tells of its end
}

int AllocationDocument::indexOf(const std::string& name) const
{
    const auto at = m_index.find(name);
    return at == m_index.end() ? -1 : at->second;
}

const LinearRule& AllocationDocument::ruleOf(int linear) const
{
    static const LinearRule none;
    const auto at = m_inputs.constraints.rules.find(m_sensitivity->linears[static_cast<std::size_t>(linear)].name);
    return at == m_inputs.constraints.rules.end() ? none : at->second;
}

std::uint64_t AllocationDocument::effectiveBudget() const
{
    if (!plans())
        return 0;
    const Allocator& allocator = *plans()->allocator;
    return std::clamp(m_inputs.budget, allocator.floorBytes(),
                      std::max(allocator.floorBytes(), allocator.ceilingBytes()));
}

bool AllocationDocument::isCurrent() const
{
    return m_allocation && !m_problem && m_answered == m_inputs;
}

Provenance AllocationDocument::shownAs(Provenance provenance) const
{
    return m_stale && provenance == Provenance::Measured ? Provenance::Stale : provenance;
}

void AllocationDocument::setSensitivity(Sensitivity sensitivity)
{
    const auto known = [this](const LinearSensitivity& linear) { return indexOf(linear.name) >= 0; };
    const bool sameLinears = sensitivity.linears.size() == m_sensitivity->linears.size() &&
                             std::all_of(sensitivity.linears.begin(), sensitivity.linears.end(), known);
    const auto sameName = [](const LinearSensitivity& a, const LinearSensitivity& b) { return a.name == b.name; };
    const bool sameOrder = sameLinears && std::equal(sensitivity.linears.begin(), sensitivity.linears.end(),
                                                     m_sensitivity->linears.begin(), sameName);
    m_sensitivity = std::make_shared<const Sensitivity>(std::move(sensitivity));
    if (sameOrder) {
        Q_EMIT figuresChanged({});
        return prepare();
    }
    m_index.clear();
    for (std::size_t i = 0; i < m_sensitivity->linears.size(); ++i)
        m_index.emplace(m_sensitivity->linears[i].name, static_cast<int>(i));
    m_allocation.reset();
    m_answered.reset();
    m_problem.reset();
    m_solver.clear();
    if (!sameLinears) {
        m_inputs = {};
        m_dragStart.reset();
        m_undo->clear();
    }
    refreshLinks();
    Q_EMIT reset();
    Q_EMIT problemChanged();
    prepare();
}

void AllocationDocument::updateLinears(const std::vector<LinearSensitivity>& linears)
{
    auto updated = std::make_shared<Sensitivity>(*m_sensitivity); // a solve may be reading the old one
    std::vector<int> changed;
    for (const LinearSensitivity& linear : linears) {
        const int index = indexOf(linear.name);
        if (index < 0)
            continue;
        updated->linears[static_cast<std::size_t>(index)] = linear;
        changed.push_back(index);
    }
    if (changed.empty())
        return;
    m_sensitivity = std::move(updated);
    Q_EMIT figuresChanged(changed);
    prepare();
}

void AllocationDocument::clear()
{
    m_stale = false;
    setSensitivity({});
}

void AllocationDocument::setStale(bool stale)
{
    if (std::exchange(m_stale, stale) != stale)
        Q_EMIT figuresChanged({});
}

void AllocationDocument::apply(const PlanInputs& inputs)
{
    if (inputs == m_inputs)
        return;
    const bool constraintsChanged = inputs.constraints != m_inputs.constraints;
    m_inputs = inputs;
    settleBudget(m_inputs);
    if (constraintsChanged)
        refreshLinks();
    Q_EMIT inputsChanged();
    if (constraintsChanged || m_problem)
        prepare();
    else
        solve();
}

/// Of a new model, or of a demand that was made before there was a plan; nothing that anyone would undo.
void AllocationDocument::settleBudget(PlanInputs& inputs) const
{
    if (inputs.budget != 0 || !plans())
        return;
    const auto& bits = plans()->uniformBits;
    const auto at = std::find(bits.begin(), bits.end(), kDefaultBits);
    inputs.budget = at != bits.end() ? plans()->uniforms[static_cast<std::size_t>(at - bits.begin())].bytes
                                     : plans()->allocator->bytesFor(kDefaultBitsPerWeight);
}

/// While the first figures stream in, some linears are still blank: no fault that anyone should read of.
bool AllocationDocument::isSolvable() const
{
    const auto known = [](const LinearSensitivity& linear) {
        return linear.weightScore.known() ||
               std::any_of(linear.choices.begin(), linear.choices.end(), [](const Choice& c) {
                   return c.bits != kKeptBits && (c.error.known() || c.damage.known());
               });
    };
    return !isEmpty() && std::all_of(m_sensitivity->linears.begin(), m_sensitivity->linears.end(), known);
}

void AllocationDocument::prepare()
{
    if (isSolvable())
        m_solver.prepare(m_sensitivity, m_inputs.constraints);
}

void AllocationDocument::solve()
{
    if (!plans())
        return;
    m_asked = m_inputs;
    m_solver.solve(m_inputs.rule, effectiveBudget(), ++m_ticket);
}

void AllocationDocument::setProblem(std::optional<Error> problem)
{
    const bool silent = !problem && !m_problem;
    m_problem = std::move(problem);
    if (!silent)
        Q_EMIT problemChanged();
}

void AllocationDocument::refreshLinks()
{
    m_linked.assign(m_sensitivity->linears.size(), false);
    for (const auto& group : m_inputs.constraints.links)
        for (const std::string& name : group)
            if (const int linear = indexOf(name); linear >= 0)
                m_linked[static_cast<std::size_t>(linear)] = true;
}

std::optional<Plan> AllocationDocument::plan() const
{
    if (!isCurrent() || !plans())
        return {};
    return makePlan(*m_sensitivity, m_inputs.constraints, *plans()->allocator, *m_allocation);
}

} // namespace sa::ui
