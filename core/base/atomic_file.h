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

/// A file that grows by pieces, each of them durable once append() has returned; what a crash leaves of the last piece
/// is the reader's to recognise. Move-only.
class AppendFile
{
public:
    /// Creates the file if need be; what is behind the first `keptBytes` is cut off.
    static Result<AppendFile> open(const std::string& path, std::uint64_t keptBytes);
    AppendFile(AppendFile&& other) noexcept;
    AppendFile& operator=(AppendFile&& other) noexcept;
    ~AppendFile();

    Result<void> append(std::string_view text);

private:
    AppendFile(int fd, std::string path)
        : m_fd(fd)
        , m_path(std::move(path))
    {
    }
    int m_fd = -1;
    std::string m_path;
};

/// A rename or a new file is only durable once its folder is.
Result<void> syncFolder(const std::string& folder);

} // namespace sa
