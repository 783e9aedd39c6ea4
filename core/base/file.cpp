// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/file.h"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <limits>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace sa
{

namespace
{

const char* kindName(mode_t mode)
{
    if (S_ISDIR(mode))
        return "a folder";
    if (S_ISFIFO(mode))
        return "a pipe";
    if (S_ISSOCK(mode))
        return "a socket";
    return "a device";
}

} // namespace

Result<File> File::open(const std::string& path)
{
    if (path.find('\0') != std::string::npos)
        return makeError(Errc::NotFound, "a file name cannot contain a NUL byte").in(path);
    // O_NONBLOCK: opening a FIFO that nobody writes must not hang; it has no effect on regular files.
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return systemError(errno, "open for reading", path);
    struct stat info {
    };
    if (::fstat(fd, &info) != 0) {
        const int code = errno;
        ::close(fd);
        return systemError(code, "examine", path);
    }
    if (!S_ISREG(info.st_mode)) {
        ::close(fd);
        return makeError(Errc::BadFormat, "this is not a file")
            .in(path)
            .butFound(kindName(info.st_mode))
            .wanted("a regular file");
    }
    return File(fd, path, static_cast<std::uint64_t>(info.st_size));
}

File::File(File&& other) noexcept
    : m_fd(std::exchange(other.m_fd, -1))
    , m_path(std::move(other.m_path))
    , m_sizeBytes(other.m_sizeBytes)
{
}

File& File::operator=(File&& other) noexcept
{
    std::swap(m_fd, other.m_fd);
    std::swap(m_path, other.m_path);
    std::swap(m_sizeBytes, other.m_sizeBytes);
    return *this;
}

File::~File()
{
    if (m_fd >= 0)
        ::close(m_fd);
}

Result<void> File::readAt(std::uint64_t offset, std::span<std::byte> out) const
{
    if (offset > m_sizeBytes || out.size() > m_sizeBytes - offset)
        return makeError(Errc::BadFormat, "the file ends before the data that should be in it")
            .in(m_path)
            .butFound(std::to_string(m_sizeBytes) + " bytes")
            .wanted("at least " + std::to_string(offset) + " + " + std::to_string(out.size()));
    std::size_t done = 0;
    while (done < out.size()) {
        const ssize_t got = ::pread(m_fd, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
        if (got < 0) {
            if (errno == EINTR)
                continue;
            return systemError(errno, "read", m_path);
        }
        if (got == 0)
            return makeError(Errc::BadFormat, "the file became shorter while it was read").in(m_path);
        done += static_cast<std::size_t>(got);
    }
    return {};
}

Result<std::string> readFile(const std::string& path, std::uint64_t maxBytes)
{
    SA_TRY(File file, File::open(path));
    if (file.sizeBytes() > maxBytes)
        return makeError(Errc::BadFormat, "the file is larger than such a file may be")
            .in(path)
            .butFound(std::to_string(file.sizeBytes()) + " bytes")
            .wanted("at most " + std::to_string(maxBytes));
    std::string text(static_cast<std::size_t>(file.sizeBytes()), '\0');
    SA_CHECK(file.readAt(0, std::as_writable_bytes(std::span(text.data(), text.size()))));
    return text;
}

bool isFolder(const std::string& path)
{
    std::error_code ignored;
    return std::filesystem::is_directory(path, ignored);
}

bool exists(const std::string& path)
{
    std::error_code ignored;
    return std::filesystem::exists(path, ignored);
}

Result<std::uint64_t> freeBytes(const std::string& path)
{
    std::filesystem::path place(path.empty() ? std::string(".") : path);
    std::error_code ignored;
    while (!std::filesystem::exists(place, ignored)) {
        const auto parent = place.parent_path();
        if (parent.empty() || parent == place) {
            place = ".";
            break;
        }
        place = parent;
    }
    struct statvfs info {
    };
    if (::statvfs(place.c_str(), &info) != 0)
        return systemError(errno, "ask for free space", place.string());
    const auto blocks = static_cast<std::uint64_t>(info.f_bavail);
    const auto size = static_cast<std::uint64_t>(info.f_frsize);
    if (size != 0 && blocks > std::numeric_limits<std::uint64_t>::max() / size)
        return std::numeric_limits<std::uint64_t>::max();
    return blocks * size;
}

SplitPath splitPath(std::string path)
{
    while (path.size() > 1 && path.back() == '/')
        path.pop_back();
    const auto slash = path.rfind('/');
    if (slash == std::string::npos)
        return {".", path};
    return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

std::string joinPath(const std::string& folder, const std::string& name)
{
    if (folder.empty())
        return name;
    return folder.back() == '/' ? folder + name : folder + "/" + name;
}

} // namespace sa
