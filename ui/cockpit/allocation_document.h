// SPDX-License-Identifier: GPL-3.0-or-later
// What the bit budget page edits: the figures of every linear, what is demanded of the plan, and the plan that follows.
// Demands change through undo commands only; a drag of the slider is one command, made when it ends. Figures come from
// the worker and are not undone.
#pragma once

#include "core/alloc/plan.h"
#include "ui/cockpit/live_solver.h"

#include <QElapsedTimer>
#include <QObject>
#include <QString>

class QUndoStack;

namespace sa::ui
{

/// All that undo brings back.
struct PlanInputs {
    Constraints constraints;
    /// Bytes of the linears, as asked for; what can be had of it is effectiveBudget(). 0: the usual one, from the
    /// first plans on the bytes of it.
    std::uint64_t budget = 0;
    Rule rule = Rule::Optimal;
    bool operator==(const PlanInputs&) const = default;
};

class AllocationDocument final : public QObject
{
    Q_OBJECT
public:
    explicit AllocationDocument(QObject* parent = nullptr);
    ~AllocationDocument() override;

    QUndoStack* undoStack() const { return m_undo; }
    const Sensitivity& sensitivity() const { return *m_sensitivity; }
    bool isEmpty() const { return m_sensitivity->linears.empty(); }
    int indexOf(const std::string& name) const; ///< -1: no such linear
    const PlanInputs& inputs() const { return m_inputs; }
    const LinearRule& ruleOf(int linear) const;
    bool isLinked(int linear) const { return m_linked[static_cast<std::size_t>(linear)]; }

    /// The plans that there are, and the one that is chosen; null before the first. They lag behind the inputs by a
    /// solve, and stay as they were while the inputs have no plan (problem()).
    const PreparedPlans* plans() const { return m_solver.plans(); }
    const Allocation* allocation() const { return m_allocation ? &*m_allocation : nullptr; }
    std::uint64_t effectiveBudget() const; ///< within floor and ceiling; 0 without plans
    const std::optional<Error>& problem() const { return m_problem; }
    bool isSolvable() const; ///< something is known of every linear
    bool isCurrent() const;  ///< allocation() is the answer to inputs()
    double solveMs() const { return m_solver.solveMs(); }

    /// Figures of the same linears as before replace them and everything else stays; of others, it starts anew.
    void setSensitivity(Sensitivity sensitivity);
    /// Linears by name; unknown ones are ignored.
    void updateLinears(const std::vector<LinearSensitivity>& linears);
    void clear();
    /// What was measured was measured with other settings than a run would have now.
    void setStale(bool stale);
    bool isStale() const { return m_stale; }
    /// As figureOf would be without staleness: Measured becomes Stale while isStale().
    Provenance shownAs(Provenance provenance) const;

    void setRule(Rule rule);
    void setBudget(std::uint64_t bytes); ///< presses in quick succession become one step
    void beginDrag();
    void dragTo(std::uint64_t bytes);
    void endDrag();
    bool isDragging() const { return m_dragStart.has_value(); }

    void pin(const std::vector<int>& linears, int bits);
    void setRange(const std::vector<int>& linears, int low, int high);
    void exclude(const std::vector<int>& linears);
    void clearRules(const std::vector<int>& linears);
    void link(const std::vector<int>& linears);
    void unlink(const std::vector<int>& linears);
    void linkSharedInputs();
    /// Constraints, budget and rule of a plan; BadInput when it is of other linears.
    Result<void> adopt(const Plan& plan);
    /// Demands of an earlier session, as one step; BadInput when they are of other linears.
    Result<void> restore(const PlanInputs& inputs);
    /// The plan as a file holds it. Only while isCurrent() and without problem().
    std::optional<Plan> plan() const;

Q_SIGNALS:
    void reset();                                         ///< other linears, or none
    void figuresChanged(const std::vector<int>& linears); ///< of these; empty: of all
    void inputsChanged();                                 ///< constraints, budget or rule
    void plansChanged();                                  ///< range, curve, uniform plans
    void allocationChanged();
    void problemChanged();

private:
    friend class EditPlan;
    void apply(const PlanInputs& inputs);
    void settleBudget(PlanInputs& inputs) const;
    Result<void> checkNames(const Constraints& constraints) const;
    void push(const QString& text, PlanInputs after, int series = 0);
    void editRules(const QString& text, const std::vector<int>& linears, const LinearRule& rule);
    void prepare();
    void solve();
    void refreshLinks();
    void setProblem(std::optional<Error> problem);
    QString subject(const std::vector<int>& linears) const;

    std::shared_ptr<const Sensitivity> m_sensitivity = std::make_shared<Sensitivity>();
    std::map<std::string, int> m_index;
    std::vector<bool> m_linked;
    PlanInputs m_inputs;
    std::optional<PlanInputs> m_dragStart;
    std::optional<Allocation> m_allocation;
    std::optional<PlanInputs> m_answered; ///< the inputs of m_allocation
    std::optional<PlanInputs> m_asked;    ///< the inputs of the last question
    quint64 m_ticket = 0;                 ///< of that question
    std::optional<Error> m_problem;
    QUndoStack* m_undo;
    LiveSolver m_solver;
    QElapsedTimer m_lastStep; ///< since the last key press on the budget
    int m_series = 0;         ///< of key presses that are one step
    bool m_stale = false;
};

} // namespace sa::ui
