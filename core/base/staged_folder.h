// SPDX-License-Identifier: GPL-3.0-or-later
// A folder that appears whole under its name, or not at all, and what is left of it when its process ends early.
#pragma once

#include "core/base/result.h"

#include <string>

namespace sa
{

/// While the folder NAME is filled it lies under another name beside the target, and ".NAME.lock" is locked (flock)
/// against a second writer. Move-only.
class StagedFolder
{
public:
    /// Filled as ".NAME.partial"; one that a dead process left is replaced. BadInput when `target` exists and is not an
    /// empty folder, or another live process is writing it (the message says which).
    static Result<StagedFolder> create(const std::string& target);
    /// For long work that is continued after an early end: filled as ".NAME.unfinished/model", with room beside it, in
    /// root(), for the work's own records. What an earlier process left is there again. BadInput as above.
    static Result<StagedFolder> continued(const std::string& target);
    StagedFolder(StagedFolder&& other) noexcept;
    StagedFolder& operator=(StagedFolder&& other) noexcept;
    ~StagedFolder(); ///< removes the stage unless it was published or is to be kept

    const std::string& path() const { return m_stage; } ///< write files here (AtomicFile)
    const std::string& root() const { return m_root; }  ///< path(), or the folder around it that is never published
    const std::string& target() const { return m_target; }
    /// Whether the destructor leaves the stage to a later continued(). False at first.
    void keep(bool kept) { m_kept = kept; }
    Result<void> publish(); ///< fsync of the folder, rename, fsync of the parent

    /// Where continued() would find something, whether it is there or not.
    static std::string unfinishedRoot(const std::string& target);
    /// Another process holds the lock right now.
    static bool isLocked(const std::string& target);
    /// Removes what continued() would find. BadInput when another live process is writing it.
    static Result<void> discardUnfinished(const std::string& target);

private:
    StagedFolder() = default;
    static Result<StagedFolder> lock(const std::string& target);
    void release() noexcept;
    std::string m_target, m_root, m_stage, m_lockPath;
    int m_lockFd = -1;
    bool m_kept = false;
};

/// Whatever is at `path`, as far as it can be removed.
void removeTree(const std::string& path) noexcept;

} // namespace sa
