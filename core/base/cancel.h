// SPDX-License-Identifier: GPL-3.0-or-later
// A flag that one thread sets and the working threads look at between steps.
#pragma once

#include "core/base/result.h"

#include <atomic>

namespace sa
{

class CancelToken
{
public:
    void cancel() noexcept { m_cancelled.store(true, std::memory_order_relaxed); }
    bool cancelled() const noexcept { return m_cancelled.load(std::memory_order_relaxed); }
    Result<void> check() const
    {
        if (cancelled())
            return makeError(Errc::Cancelled, "cancelled");
        return {};
    }

private:
    std::atomic<bool> m_cancelled{false};
};

} // namespace sa
