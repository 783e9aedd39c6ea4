// SPDX-License-Identifier: GPL-3.0-or-later
// Parallel loops whose results do not depend on the number of threads: the caller cuts the work into pieces by the
// problem's sizes alone, every piece runs single-threaded (libtorch and OpenBLAS see that they are inside a parallel
// region), and pieces write to disjoint places.
#pragma once

#include <cstdint>
#include <functional>

namespace sa
{

/// Threads that parallelFor uses from now on; 0 = one per core. Also what libtorch is told (setThreads in core/model).
void setParallelThreads(int threads) noexcept;
int parallelThreads() noexcept;

/// body(i) for i in [0, count), dynamically scheduled. Inside another parallelFor it runs in the calling thread.
/// The first exception thrown by a body is rethrown here after all threads have stopped.
void parallelFor(std::int64_t count, const std::function<void(std::int64_t)>& body);

} // namespace sa
