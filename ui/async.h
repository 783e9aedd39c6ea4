// SPDX-License-Identifier: GPL-3.0-or-later
// File system questions may take seconds on a sleeping disk or a network share, so they are asked on a pool thread.
#pragma once

#include "core/base/result.h"

#include <QFuture>
#include <QObject>
#include <QPromise>
#include <QThreadPool>

#include <memory>
#include <optional>
#include <type_traits>

namespace sa::ui
{

/// Runs `work` on a pool thread and `then(result)` on the thread of `context`, unless `context` is gone by then.
/// `work` must not touch widgets; callers that may be superseded compare a generation number in `then`.
template<class Work, class Then> void inBackground(QObject* context, Work work, Then then)
{
    using Value = std::invoke_result_t<Work>;
    auto promise = std::make_shared<QPromise<Value>>();
    promise->future().then(context, std::move(then));
    QThreadPool::globalInstance()->start([promise, work = std::move(work)] {
        promise->start();
        promise->addResult(work());
        promise->finish();
    });
}

/// What went wrong, as something that can be copied to another thread.
inline std::optional<Error> errorOf(Result<void> result)
{
    return result ? std::nullopt : std::optional<Error>(std::move(result).error());
}

} // namespace sa::ui
