// SPDX-License-Identifier: GPL-3.0-or-later
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

constexpr int kUndoLimit = 500;
constexpr int kMergeMs = 900;   // key presses closer than this are one step
constexpr int kDefaultBits = 3; // the budget that a new model starts with: that of the usual uniform plan
constexpr double kDefaultBitsPerWeight = 3.2;

} // namespace

AllocationDocument::AllocationDocument(QObject* parent)
    : QObject(parent)
    , m_undo(new QUndoStack(this))
{
    m_undo->setUndoLimit(kUndoLimit);
    connect(&m_solver, &LiveSolver::prepared, this, [this] {
        if (m_inputs.budget == 0) { // of a new model; nothing that anyone would undo
            const auto& plans = *m_solver.plans();
            const auto at = std::find(plans.uniformBits.begin(), plans.uniformBits.end(), kDefaultBits);
            m_inputs.budget = at != plans.uniformBits.end()
                                  ? plans.uniforms[static_cast<std::size_t>(at - plans.uniformBits.begin())].bytes
                                  : plans.allocator->bytesFor(kDefaultBitsPerWeight);
        }
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
    if (constraintsChanged)
        refreshLinks();
    Q_EMIT inputsChanged();
    if (constraintsChanged || m_problem)
        prepare();
    else
        solve();
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

void AllocationDocument::push(const QString& text, PlanInputs after, int series)
{
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
    PlanInputs after;
    after.constraints = plan.constraints;
    after.budget = plan.budgetBytes > 0 ? plan.budgetBytes : plan.bytes;
    after.rule = plan.rule;
    push(tr("load a plan"), std::move(after));
    return {};
}

std::optional<Plan> AllocationDocument::plan() const
{
    if (!isCurrent() || !plans())
        return {};
    return makePlan(*m_sensitivity, m_inputs.constraints, *plans()->allocator, *m_allocation);
}

} // namespace sa::ui
