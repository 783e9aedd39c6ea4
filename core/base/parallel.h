// SPDX-License-Identifier: GPL-3.0-or-later
// Parallel loops whose results do not depend on the number of threads: the caller cuts the work into pieces by the
// problem's sizes alone, every piece runs single-threaded (libtorch and OpenBLAS see that they are inside a parallel
// region), and pieces write to disjoint places.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>

namespace sa
{

/// Threads that parallelFor uses from now on; 0 = one per core. Also what libtorch is told (setThreads in core/model).
void setParallelThreads(int threads) noexcept;
int parallelThreads() noexcept;

/// body(i) for i in [0, count), dynamically scheduled. Inside another parallelFor it runs in the calling thread.
/// The first exception thrown by a body is rethrown here after all threads have stopped.
void parallelFor(std::int64_t count, const std::function<void(std::int64_t)>& body);

/// Threads that go through a sequence of stages together, for stages so short that starting threads for each would cost
/// more than they do. Between two of them the threads wait in a loop.
class Team
{
public:
    /// body(i) for i in [0, count), by whichever thread is free; returns in every thread when all are done. All threads
    /// make the same calls in the same order. After an exception the rest of the stages goes on without meaning.
    template<class Body> void forEach(std::int64_t count, const Body& body)
    {
        try {
            for (std::int64_t i = m_next++; i < count; i = m_next++)
                body(i);
        } catch (...) {
            if (!m_failed.exchange(true))
                m_failure = std::current_exception();
        }
        waitForAll();
    }

private:
    friend void parallelTeam(const std::function<void(Team&, int)>& body);
    void waitForAll();

    std::atomic<int> m_threads{1};
    std::atomic<int> m_arrived{0};
    std::atomic<unsigned> m_stage{0};
    std::atomic<std::int64_t> m_next{0};
    std::atomic<bool> m_failed{false};
    std::exception_ptr m_failure;
};

/// body(team, rank) in parallelThreads() threads at once, rank from 0; in the calling thread alone inside another
/// parallel loop. Not for bodies that call libtorch or BLAS: a team of one does not keep them from starting threads.
/// The first exception of a stage is rethrown when all have returned; outside of stages body must not throw.
void parallelTeam(const std::function<void(Team&, int)>& body);

} // namespace sa
