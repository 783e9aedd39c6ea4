// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/measure/file_saver.h"

#include "ui/async.h"
#include "ui/text.h"
#include "ui/widgets/banner.h"

namespace sa::ui
{

FileSaver::FileSaver(Banner* banner, QObject* parent)
    : QObject(parent)
    , m_banner(banner)
{
}

void FileSaver::save(const QString& path, std::function<Result<void>()> write, const Words& words)
{
    inBackground(
        this, [write = std::move(write)] { return errorOf(write()); },
        [this, path, words, number = ++m_last](const std::optional<Error>& error) {
            if (error)
                m_banner->showError(words.failed, *error);
            else if (number == m_last) // good news of an earlier file must not hide bad news of a later one
                m_banner->showMessage(Banner::Severity::Info, words.done, shown(path, 1000));
        });
}

} // namespace sa::ui
