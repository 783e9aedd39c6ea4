// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/atomic_file.h"

#include "core/base/file.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sa
{

namespace
{

Result<void> writeAll(int fd, std::span<const std::byte> bytes, const std::string& path)
{
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t put = ::write(fd, bytes.data() + done, bytes.size() - done);
        if (put < 0) {
            if (errno == EINTR)
                continue;
            return systemError(errno, "write", path);
        }
        done += static_cast<std::size_t>(put);
    }
    return {};
}

} // namespace

Result<void> syncFolder(const std::string& folder)
{
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return systemError(errno, "open the folder for syncing", folder);
    const int failed = ::fsync(fd) != 0 ? errno : 0;
    const int closeFailed = ::close(fd) != 0 ? errno : 0;
    // Some file systems cannot sync folders and say EINVAL; there is nothing better to do on those.
    if (failed != 0 && failed != EINVAL)
        return systemError(failed, "sync the folder", folder);
    if (closeFailed != 0)
        return systemError(closeFailed, "close the folder", folder);
    return {};
}

// ---------------------------------------------------------------------------------------------------- AtomicFile

AtomicFile::AtomicFile(int fd, std::string path, std::string temporary)
    : m_fd(fd)
    , m_path(std::move(path))
    , m_temporary(std::move(temporary))
{
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : m_fd(std::exchange(other.m_fd, -1))
    , m_path(std::move(other.m_path))
    , m_temporary(std::exchange(other.m_temporary, {}))
{
}

AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept
{
    std::swap(m_fd, other.m_fd);
    std::swap(m_path, other.m_path);
    std::swap(m_temporary, other.m_temporary);
    return *this;
}

AtomicFile::~AtomicFile()
{
    discard();
}

void AtomicFile::discard() noexcept
{
    if (m_fd >= 0)
        ::close(m_fd);
    if (!m_temporary.empty())
        ::unlink(m_temporary.c_str());
    m_fd = -1;
    m_temporary.clear();
}

Result<AtomicFile> AtomicFile::create(const std::string& path)
{
    const auto [folder, fileName] = splitPath(path);
    const std::string temporary = joinPath(folder, "." + fileName + ".partial-" + std::to_string(::getpid()));
    const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0)
        return systemError(errno, "create", path);
    return AtomicFile(fd, path, temporary);
}

Result<void> AtomicFile::write(std::span<const std::byte> bytes)
{
    if (m_fd < 0)
        return makeError(Errc::Internal, "write to a file that is already finished").in(m_path);
    return writeAll(m_fd, bytes, m_path);
}

Result<void> AtomicFile::write(std::string_view text)
{
    return write(std::as_bytes(std::span(text)));
}

Result<void> AtomicFile::commit()
{
    if (m_fd < 0)
        return makeError(Errc::Internal, "commit of a file that is already finished").in(m_path);
    if (::fsync(m_fd) != 0) {
        const int code = errno; // after a failed fsync the pages may be gone: never retry on the same file
        discard();
        return systemError(code, "sync", m_path);
    }
    const int fd = std::exchange(m_fd, -1);
    if (::close(fd) != 0) {
        const int code = errno;
        discard();
        return systemError(code, "close", m_path);
    }
    if (::rename(m_temporary.c_str(), m_path.c_str()) != 0) {
        const int code = errno;
        discard();
        return systemError(code, "rename into place", m_path);
    }
    m_temporary.clear();
    return syncFolder(splitPath(m_path).folder);
}

Result<void> writeFileAtomic(const std::string& path, std::string_view bytes)
{
    SA_TRY(AtomicFile file, AtomicFile::create(path));
    SA_CHECK(file.write(bytes));
    return file.commit();
}

// ---------------------------------------------------------------------------------------------------- AppendFile

AppendFile::AppendFile(AppendFile&& other) noexcept
    : m_fd(std::exchange(other.m_fd, -1))
    , m_path(std::move(other.m_path))
{
}

AppendFile& AppendFile::operator=(AppendFile&& other) noexcept
{
    std::swap(m_fd, other.m_fd);
    std::swap(m_path, other.m_path);
    return *this;
}

AppendFile::~AppendFile()
{
    if (m_fd >= 0)
        ::close(m_fd);
}

Result<AppendFile> AppendFile::open(const std::string& path, std::uint64_t keptBytes)
{
    const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0)
        return systemError(errno, "open for appending", path);
    AppendFile file(fd, path);
    if (::ftruncate(fd, static_cast<off_t>(keptBytes)) != 0)
        return systemError(errno, "cut", path);
    SA_CHECK(syncFolder(splitPath(path).folder));
    return file;
}

Result<void> AppendFile::append(std::string_view text)
{
    SA_CHECK(writeAll(m_fd, std::as_bytes(std::span(text)), m_path));
    if (::fsync(m_fd) != 0)
        return systemError(errno, "sync", m_path);
    return {};
}

} // namespace sa
