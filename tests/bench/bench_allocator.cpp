// SPDX-License-Identifier: GPL-3.0-or-later
// What dragging the budget costs: LLaMA-2-70B's 80 blocks of 7 linears with 5 widths each, at budgets from the floor to
// the ceiling. First all of them once: every solution must be proven, and the median and worst times are printed; then
// the usual timing at a few budgets. Times are of the processor, and the least of three: the worst case of single clock
// readings would be the machine's, not the solver's.
#include "core/alloc/allocator.h"
#include "tests/core/alloc/sensitivity_fixture.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <limits>
#include <optional>
#include <string>
#include <vector>

using namespace sa;

namespace
{

constexpr int kBudgets = 4001;

double processorMs()
{
    std::timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}

struct Case {
    const char* name;
    bool acc;
    double spread; ///< of sensitivities between layers; 0: all blocks of a kind alike
    bool linked;
};
constexpr Case kCases[] = {{"70B/lat", false, 0.7, false},        {"70B/acc", true, 0.7, false},
                           {"70B/lat/even", false, 0.1, false},   {"70B/acc/even", true, 0.1, false},
                           {"70B/lat/uneven", false, 2.0, false}, {"70B/lat/linked", false, 0.7, true}};

std::optional<Allocator> makeAllocator(const Case& c)
{
    const Sensitivity sensitivity = largeSensitivity(c.acc, c.spread);
    Constraints constraints;
    if (c.linked)
        constraints.links = linksBySharedInput(sensitivity);
    auto allocator = Allocator::create(sensitivity, constraints);
    return allocator ? std::optional(*std::move(allocator)) : std::nullopt;
}

std::uint64_t budgetAt(const Allocator& allocator, double share)
{
    const double span = static_cast<double>(allocator.ceilingBytes() - allocator.floorBytes());
    return allocator.floorBytes() + static_cast<std::uint64_t>(share * span);
}

/// False when a solution is not proven.
bool sweep(const Case& c)
{
    const auto allocator = makeAllocator(c);
    if (!allocator)
        return false;
    std::vector<double> times;
    double worst = 0, worstAt = 0;
    for (int i = 0; i < kBudgets; ++i) {
        const double share = i / (kBudgets - 1.0);
        double least = std::numeric_limits<double>::infinity();
        for (int repeat = 0; repeat < 3; ++repeat) {
            const double begin = processorMs();
            const auto plan = allocator->solve(budgetAt(*allocator, share));
            least = std::min(least, processorMs() - begin);
            if (!plan || plan->gap != 0)
                return false;
        }
        if (times.empty() || least > worst) {
            worst = least;
            worstAt = share;
        }
        times.push_back(least);
    }
    std::sort(times.begin(), times.end());
    std::printf("%-16s %d budgets, all proven: median %.3f ms, 99 %% %.3f ms, worst %.3f ms (at %.4f of the range)\n",
                c.name, kBudgets, times[times.size() / 2], times[times.size() * 99 / 100], times.back(), worstAt);
    return true;
}

void timeSolve(benchmark::State& state, const Case& c, double share)
{
    const auto allocator = makeAllocator(c);
    const std::uint64_t budget = budgetAt(*allocator, share);
    for (auto _ : state)
        benchmark::DoNotOptimize(allocator->solve(budget));
}

void timeCreate(benchmark::State& state, const Case& c)
{
    const Sensitivity sensitivity = largeSensitivity(c.acc, c.spread);
    for (auto _ : state)
        benchmark::DoNotOptimize(Allocator::create(sensitivity));
}

} // namespace

int main(int argc, char** argv)
{
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 2;
    for (const Case& c : kCases)
        if (!sweep(c)) {
            std::fprintf(stderr, "%s: a solution is not proven, nothing is timed\n", c.name);
            return 1;
        }
    for (const Case& c : kCases) {
        benchmark::RegisterBenchmark((std::string("create/") + c.name).c_str(), timeCreate, c);
        for (const double share : {0.05, 0.1, 0.2, 0.5, 0.9})
            benchmark::RegisterBenchmark(
                (std::string("solve/") + c.name + "/" + std::to_string(share).substr(0, 4)).c_str(), timeSolve, c,
                share);
    }
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
    return 0;
}
