// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <omp.h>
#include <thread>
#include <utility>
#include <vector>

namespace sa
{

namespace
{
std::atomic<int> threadCount{0};
thread_local bool inTeam = false;
} // namespace

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
    if (inTeam || omp_in_parallel()) {
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

namespace
{

/// A short wait in a loop, since what is waited for takes microseconds; then asleep, since somebody else may need the
/// core. (OpenMP's own threads stay awake for milliseconds, which on a busy machine are taken from their partners.)
void waitWhile(const std::atomic<unsigned>& value, unsigned old)
{
#if defined(__x86_64__)
    static const int cores = static_cast<int>(std::thread::hardware_concurrency());
    const int turns = parallelThreads() > cores ? 0 : 4000; // some 0.1 ms
    for (int turn = 0; turn < turns; ++turn) {
        if (value.load(std::memory_order_acquire) != old)
            return;
        __builtin_ia32_pause();
    }
#endif
    for (int turn = 0; turn < 200; ++turn) { // on a busy machine whoever is waited for may want this very core
        if (value.load(std::memory_order_acquire) != old)
            return;
        std::this_thread::yield();
    }
    value.wait(old, std::memory_order_acquire);
}

/// The threads that teams are made of; they live as long as the process.
class Crew
{
public:
    /// body(rank) in `threads` threads, rank 0 in the calling one. False when another team has them.
    bool run(int threads, const std::function<void(int)>& body)
    {
        const std::unique_lock lock(m_busy, std::try_to_lock);
        if (!lock)
            return false;
        while (static_cast<int>(m_threads.size()) < threads - 1)
            m_threads.emplace_back(
                [this, rank = static_cast<int>(m_threads.size()) + 1, seen = m_call.load()] { work(rank, seen); });
        m_body = &body;
        m_wanted = threads;
        m_left = static_cast<unsigned>(m_threads.size());
        ++m_call;
        m_call.notify_all();
        body(0);
        for (unsigned left = m_left; left != 0; left = m_left)
            waitWhile(m_left, left);
        return true;
    }
    ~Crew()
    {
        m_ending = true;
        ++m_call;
        m_call.notify_all();
        for (std::thread& thread : m_threads)
            thread.join();
    }

private:
    void work(int rank, unsigned seen)
    {
        inTeam = true;
        for (;; ++seen) {
            waitWhile(m_call, seen);
            if (m_ending)
                return;
            if (rank < m_wanted)
                (*m_body)(rank);
            --m_left;
            m_left.notify_one();
        }
    }

    std::mutex m_busy;
    std::vector<std::thread> m_threads;
    std::atomic<unsigned> m_call{0}, m_left{0};
    std::atomic<bool> m_ending{false};
    const std::function<void(int)>* m_body = nullptr;
    int m_wanted = 0;
};

} // namespace

void Team::waitForAll()
{
    const unsigned stage = m_stage;
    if (m_arrived.fetch_add(1) + 1 < m_threads.load(std::memory_order_relaxed))
        return waitWhile(m_stage, stage);
    m_next = 0;
    m_arrived = 0;
    m_stage = stage + 1;
    m_stage.notify_all();
}

void parallelTeam(const std::function<void(Team&, int)>& body)
{
    static Crew crew;
    Team team;
    const int threads = parallelThreads();
    const bool alone = threads == 1 || inTeam || omp_in_parallel();
    team.m_threads = alone ? 1 : threads;
    const auto member = [&](int rank) { body(team, rank); };
    const bool outer = std::exchange(inTeam, true);
    if (alone || !crew.run(threads, member)) {
        team.m_threads = 1;
        member(0);
    }
    inTeam = outer;
    if (team.m_failure)
        std::rethrow_exception(team.m_failure);
}

} // namespace sa
