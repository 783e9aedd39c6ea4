// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <omp.h>
#include <thread>

namespace sa
{

namespace
{
std::atomic<int> threadCount{0};
}

void setParallelThreads(int threads) noexcept
{
    threadCount = threads;
}

int parallelThreads() noexcept
{
    const int wanted = threadCount;
    return wanted > 0 ? wanted : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

void parallelFor(std::int64_t count, const std::function<void(std::int64_t)>& body)
{
    if (count <= 0)
        return;
    if (omp_in_parallel()) {
        for (std::int64_t i = 0; i < count; ++i)
            body(i);
        return;
    }
    std::exception_ptr failure;
    std::atomic<bool> failed{false};
    // A team of one is no parallel region for OpenMP, so libraries would start threads of their own inside it and sum
    // in another order: there are always two at least, the second idle where one thread was asked for.
    const int threads = parallelThreads();
    const int team = std::max(2, threads);
    std::atomic<std::int64_t> next{0};
#pragma omp parallel num_threads(team)
    {
        if (omp_get_thread_num() < threads) {
            for (std::int64_t i = next++; i < count && !failed; i = next++) {
                try {
                    body(i);
                } catch (...) {
                    if (!failed.exchange(true))
                        failure = std::current_exception();
                }
            }
        }
    }
    if (failure)
        std::rethrow_exception(failure);
}

} // namespace sa
