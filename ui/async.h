// SPDX-License-Identifier: GPL-3.0-or-later
// File system questions may take seconds on a sleeping disk or a network share, so they are asked on a pool thread.
#pragma once

#include "core/base/result.h"

#include <QCoreApplication>
#include <QObject>
#include <QPointer>
#include <QThreadPool>

#include <memory>
#include <optional>
#include <type_traits>

namespace sa::ui
{

/// Runs `work` on a pool thread and `then(result)` on the window's, where `context` lives, unless `context` is gone by
/// then. `work` must not touch widgets; callers that may be superseded compare a generation number in `then`.
///
/// The answer goes by way of the application: whether `context` still lives is asked on its own thread alone.
/// (QFuture::then(context) asks on the pool's, where it can be destroyed between question and use.)
/// `pool`: of its own where pieces of work must keep their order.
template<class Work, class Then>
void inBackground(QObject* context, Work work, Then then, QThreadPool& pool = *QThreadPool::globalInstance())
{
    auto answer = std::make_shared<Then>(std::move(then));
    pool.start([guard = QPointer<QObject>(context), answer = std::move(answer), work = std::move(work)]() mutable {
        auto value = std::make_shared<std::invoke_result_t<Work>>(work());
        const auto deliver = [guard, answer = std::move(answer), value = std::move(value)] {
            if (guard)
                (*answer)(std::move(*value));
        };
        if (auto* application = QCoreApplication::instance())
            QMetaObject::invokeMethod(application, deliver, Qt::QueuedConnection);
    });
}

/// What went wrong, as something that can be copied to another thread.
inline std::optional<Error> errorOf(Result<void> result)
{
    return result ? std::nullopt : std::optional<Error>(std::move(result).error());
}

} // namespace sa::ui
