// SPDX-License-Identifier: GPL-3.0-or-later
// Reading: regular files only, by pread (a mapped file that shrinks kills the process, a short pread is an error
// value).
#pragma once

#include "core/base/result.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace sa
{

/// An open regular file, read-only. Thread-safe: reads carry their offset. Move-only.
class File
{
public:
    /// Follows links; refuses folders, FIFOs and devices with a sentence.
    static Result<File> open(const std::string& path);
    File(File&& other) noexcept;
    File& operator=(File&& other) noexcept;
    ~File();

    const std::string& path() const { return m_path; }
    std::uint64_t sizeBytes() const { return m_sizeBytes; } ///< as of open()

    /// Fills `out` completely or fails (BadFormat when the file ends early: it changed or was cut).
    Result<void> readAt(std::uint64_t offset, std::span<std::byte> out) const;

private:
    File(int fd, std::string path, std::uint64_t size)
        : m_fd(fd)
        , m_path(std::move(path))
        , m_sizeBytes(size)
    {
    }
    int m_fd = -1;
    std::string m_path;
    std::uint64_t m_sizeBytes = 0;
};

/// The whole file as bytes; BadFormat when larger than `maxBytes`.
Result<std::string> readFile(const std::string& path, std::uint64_t maxBytes);

bool isFolder(const std::string& path);
bool exists(const std::string& path);
/// Bytes available to this user on the file system that holds `path` (or its nearest existing parent).
Result<std::uint64_t> freeBytes(const std::string& path);
std::string joinPath(const std::string& folder, const std::string& name);

struct SplitPath {
    std::string folder; ///< "." where the path names none
    std::string name;
};
SplitPath splitPath(std::string path); ///< "a/b/" is "a" and "b"

} // namespace sa
