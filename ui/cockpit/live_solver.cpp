// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/cockpit/live_solver.h"

#include "ui/async.h"

#include <QElapsedTimer>

#include <utility>

namespace sa::ui
{

namespace
{

constexpr double kQuickMs = 4; // a quarter of a frame: the rest of it is for painting

double milliseconds(const QElapsedTimer& timer)
{
    return static_cast<double>(timer.nsecsElapsed()) * 1e-6;
}

bool isQuick(const std::optional<double>& lastMs)
{
    return lastMs && *lastMs < kQuickMs;
}

} // namespace

LiveSolver::Preparation LiveSolver::prepareNow(const Question& question)
{
    QElapsedTimer timer;
    timer.start();
    Preparation out;
    auto allocator = Allocator::create(*question.sensitivity, question.constraints);
    if (!allocator) {
        out.error = std::move(allocator).error();
        return out;
    }
    PreparedPlans plans;
    plans.allocator = std::make_shared<const Allocator>(std::move(*allocator));
    plans.curve = plans.allocator->curve();
    for (const int bits : plans.allocator->uniformWidths())
        if (auto uniform = plans.allocator->uniform(bits)) {
            plans.uniforms.push_back(std::move(*uniform));
            plans.uniformBits.push_back(bits);
        }
    out.plans = std::move(plans);
    out.ms = milliseconds(timer);
    return out;
}

LiveSolver::Solution LiveSolver::solveNow(const Allocator& allocator, const Budget& budget)
{
    QElapsedTimer timer;
    timer.start();
    Solution out;
    out.ticket = budget.ticket;
    auto allocation = allocator.allocate(budget.rule, budget.bytes);
    if (allocation)
        out.allocation = std::move(*allocation);
    else
        out.error = std::move(allocation).error();
    out.ms = milliseconds(timer);
    return out;
}

void LiveSolver::clear()
{
    ++m_generation;
    m_plans.reset();
    m_nextQuestion.reset();
    m_nextBudget.reset();
    m_prepareMs.reset();
    m_solveMs.reset();
}

void LiveSolver::prepare(std::shared_ptr<const Sensitivity> sensitivity, const Constraints& constraints)
{
    m_nextQuestion = Question{std::move(sensitivity), constraints};
    m_nextBudget.reset(); // whoever asked it sees other plans soon
    if (m_preparing)
        return;
    if (isQuick(m_prepareMs))
        return take(prepareNow(*std::exchange(m_nextQuestion, std::nullopt)));
    startPreparing();
}

void LiveSolver::startPreparing()
{
    m_preparing = true;
    inBackground(
        this,
        [question = *std::exchange(m_nextQuestion, std::nullopt)] {
            return std::make_shared<Preparation>(prepareNow(question));
        },
        [this, generation = m_generation](const std::shared_ptr<Preparation>& preparation) {
            m_preparing = false;
            if (m_nextQuestion)
                startPreparing(); // what is done is of no use to anyone
            else if (generation == m_generation)
                take(std::move(*preparation));
        });
}

void LiveSolver::take(Preparation preparation)
{
    if (preparation.error)
        return Q_EMIT prepareFailed(*preparation.error);
    m_prepareMs = preparation.ms;
    ++m_generation;
    m_plans = std::move(preparation.plans);
    Q_EMIT prepared();
}

void LiveSolver::solve(Rule rule, std::uint64_t budget, quint64 ticket)
{
    if (!m_plans)
        return;
    const Budget question{rule, budget, ticket};
    if (m_solving) {
        m_nextBudget = question;
        return;
    }
    if (isQuick(m_solveMs))
        return take(solveNow(*m_plans->allocator, question));
    m_nextBudget = question;
    startSolving();
}

void LiveSolver::startSolving()
{
    m_solving = true;
    inBackground(
        this,
        [allocator = m_plans->allocator, budget = *std::exchange(m_nextBudget, std::nullopt)] {
            return solveNow(*allocator, budget);
        },
        [this, generation = m_generation](const Solution& solution) {
            m_solving = false;
            if (generation == m_generation)
                take(solution);
            if (m_nextBudget && m_plans && !m_solving)
                startSolving();
        });
}

void LiveSolver::take(const Solution& solution)
{
    m_solveMs = solution.ms;
    if (solution.error)
        Q_EMIT solveFailed(*solution.error, solution.ticket);
    else
        Q_EMIT solved(*solution.allocation, solution.ticket);
}

} // namespace sa::ui
