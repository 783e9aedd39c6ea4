// SPDX-License-Identifier: GPL-3.0-or-later
// Plans as fast as the slider moves. What is known to take a few milliseconds is solved where it is asked for; the
// rest, and everything whose cost is not known yet, on a pool thread, the latest question first. The window never
// waits.
#pragma once

#include "core/alloc/allocator.h"

#include <QObject>

#include <memory>
#include <optional>
#include <vector>

namespace sa::ui
{

/// All that depends on figures and constraints, and not on the budget.
struct PreparedPlans {
    std::shared_ptr<const Allocator> allocator;
    std::vector<CurvePoint> curve;    ///< ascending bytes
    std::vector<Allocation> uniforms; ///< ascending bits
    std::vector<int> uniformBits;     ///< of `uniforms`
};

class LiveSolver final : public QObject
{
    Q_OBJECT
public:
    using QObject::QObject;

    /// Answered by prepared() or prepareFailed(), perhaps before this returns. An older question goes unanswered.
    void prepare(std::shared_ptr<const Sensitivity> sensitivity, const Constraints& constraints);
    /// Answered by solved() or solveFailed(); of questions that come while one is worked on, only the last is answered.
    /// Ignored before the first prepared().
    /// `ticket` comes back with the answer.
    void solve(Rule rule, std::uint64_t budget, quint64 ticket);
    void clear();

    /// Of the last success; null before.
    const PreparedPlans* plans() const { return m_plans ? &*m_plans : nullptr; }
    bool isBusy() const { return m_preparing || m_solving; }
    double solveMs() const { return m_solveMs.value_or(0); } ///< of the last solve

Q_SIGNALS:
    void prepared();
    void prepareFailed(const sa::Error& error);
    void solved(const sa::Allocation& allocation, quint64 ticket);
    void solveFailed(const sa::Error& error, quint64 ticket);

private:
    struct Question {
        std::shared_ptr<const Sensitivity> sensitivity;
        Constraints constraints;
    };
    struct Budget {
        Rule rule;
        std::uint64_t bytes;
        quint64 ticket;
    };
    struct Preparation {
        std::optional<PreparedPlans> plans;
        std::optional<Error> error;
        double ms = 0;
    };
    struct Solution {
        std::optional<Allocation> allocation;
        std::optional<Error> error;
        double ms = 0;
        quint64 ticket = 0;
    };

    static Preparation prepareNow(const Question& question);
    static Solution solveNow(const Allocator& allocator, const Budget& budget);
    void startPreparing();
    void startSolving();
    void take(Preparation preparation);
    void take(const Solution& solution);

    std::optional<PreparedPlans> m_plans;
    std::optional<Question> m_nextQuestion;
    std::optional<Budget> m_nextBudget;
    std::optional<double> m_prepareMs, m_solveMs; ///< the last one's; nothing: not known
    quint64 m_generation = 0;                     ///< of m_plans: answers of older ones are dropped
    bool m_preparing = false, m_solving = false;
};

} // namespace sa::ui
