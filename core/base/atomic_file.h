// SPDX-License-Identifier: GPL-3.0-or-later
// Writing: to a temporary name, all bytes, fsync, rename, fsync of the folder, every return code checked.
// (QSaveFile reports success for a short write and never syncs the folder.)
#pragma once

#include "core/base/result.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sa
{

/// One file that appears whole under its name at commit(), or not at all. Move-only; the destructor removes the
/// temporary.
class AtomicFile
{
public:
    static Result<AtomicFile> create(const std::string& path); ///< writes beside `path`, to ".NAME.partial-PID"
    AtomicFile(AtomicFile&& other) noexcept;
    AtomicFile& operator=(AtomicFile&& other) noexcept;
    ~AtomicFile();

    Result<void> write(std::span<const std::byte> bytes);
    Result<void> write(std::string_view text);
    Result<void> commit(); ///< fsync, rename, fsync of the folder. After an error the target is what it was before.

private:
    AtomicFile(int fd, std::string path, std::string temporary);
    void discard() noexcept;
    int m_fd = -1;
    std::string m_path;
    std::string m_temporary;
};

Result<void> writeFileAtomic(const std::string& path, std::string_view bytes);

/// A folder that appears whole under its name, or not at all. While it is filled it is ".NAME.partial" beside the
/// target, locked (flock) against a second writer; a stale one left by a dead process is replaced.
class StagedFolder
{
public:
    /// BadInput when `target` exists and is not an empty folder, or another live process is writing it.
    static Result<StagedFolder> create(const std::string& target);
    StagedFolder(StagedFolder&& other) noexcept;
    StagedFolder& operator=(StagedFolder&& other) noexcept;
    ~StagedFolder(); ///< removes the stage unless published

    const std::string& path() const { return m_stage; } ///< write files here (AtomicFile)
    Result<void> publish();                             ///< fsync of the folder, rename, fsync of the parent

private:
    StagedFolder() = default;
    void discard() noexcept;
    std::string m_target;
    std::string m_stage;
    std::string m_lockPath;
    int m_lockFd = -1;
};

} // namespace sa
