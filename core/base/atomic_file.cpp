// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/atomic_file.h"

#include "core/base/file.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <ftw.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace fs = std::filesystem;

namespace sa
{

namespace
{

struct SplitPath {
    std::string folder;
    std::string name;
};

SplitPath split(std::string path)
{
    while (path.size() > 1 && path.back() == '/')
        path.pop_back();
    const auto slash = path.rfind('/');
    if (slash == std::string::npos)
        return {".", path};
    return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

/// A rename is only durable once its folder is.
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

Result<void> checkTargetFree(const std::string& target)
{
    std::error_code failed;
    const auto status = fs::status(target, failed);
    if (!fs::exists(status))
        return {};
    if (!fs::is_directory(status))
        return makeError(Errc::BadInput, "the output path exists and is not a folder")
            .in(target)
            .tryThis("Choose another output folder");
    fs::directory_iterator first(target, failed);
    if (failed)
        return systemError(failed.value(), "look into the output folder", target);
    if (first != fs::directory_iterator())
        return makeError(Errc::BadInput, "the output folder is not empty")
            .in(target)
            .butFound(first->path().filename().string())
            .wanted("a new or empty folder")
            .tryThis("Choose another output folder, or empty this one");
    return {};
}

/// Not std::filesystem::remove_all: libtorch's own builds export an older std::filesystem, in which it crashes.
void removeTree(const std::string& path) noexcept
{
    constexpr int kOpenFolders = 16;
    const auto removeEntry = [](const char* entry, const struct stat*, int, FTW*) { return ::remove(entry); };
    ::nftw(path.c_str(), removeEntry, kOpenFolders, FTW_DEPTH | FTW_PHYS);
}

/// Holds an exclusive lock on `path`, created if need be. BadInput when another process holds it.
Result<int> lockFile(const std::string& path, const std::string& target)
{
    for (;;) {
        const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (fd < 0)
            return systemError(errno, "create the lock of the output folder", path);
        if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
            const int code = errno;
            ::close(fd);
            if (code == EWOULDBLOCK)
                return makeError(Errc::BadInput, "another job is writing this output folder right now")
                    .in(target)
                    .tryThis("Wait for it, or choose another output folder");
            return systemError(code, "lock the output folder", path);
        }
        // The former holder unlinks the file before it lets go: a lock on an unlinked file is no lock.
        struct stat mine {
        }, current{};
        if (::fstat(fd, &mine) == 0 && ::stat(path.c_str(), &current) == 0 && mine.st_ino == current.st_ino)
            return fd;
        ::close(fd);
    }
}

} // namespace

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
    const auto [folder, fileName] = split(path);
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
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t put = ::write(m_fd, bytes.data() + done, bytes.size() - done);
        if (put < 0) {
            if (errno == EINTR)
                continue;
            return systemError(errno, "write", m_path);
        }
        done += static_cast<std::size_t>(put);
    }
    return {};
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
    return syncFolder(split(m_path).folder);
}

Result<void> writeFileAtomic(const std::string& path, std::string_view bytes)
{
    SA_TRY(AtomicFile file, AtomicFile::create(path));
    SA_CHECK(file.write(bytes));
    return file.commit();
}

// -------------------------------------------------------------------------------------------------- StagedFolder

Result<StagedFolder> StagedFolder::create(const std::string& target)
{
    const auto [parent, folderName] = split(target);
    if (folderName.empty() || folderName == "." || folderName == ".." || target.find('\0') != std::string::npos)
        return makeError(Errc::BadInput, "this cannot be the name of an output folder").in(target);
    SA_CHECK(checkTargetFree(target));

    std::error_code failed;
    fs::create_directories(parent, failed);
    if (failed)
        return systemError(failed.value(), "create the folder", parent);

    StagedFolder stage;
    stage.m_target = joinPath(parent, folderName);
    const std::string lockPath = joinPath(parent, "." + folderName + ".lock");
    SA_TRY(stage.m_lockFd, lockFile(lockPath, target));
    stage.m_lockPath = lockPath;
    SA_CHECK(checkTargetFree(target)); // it may have been published while we waited for nothing

    stage.m_stage = joinPath(parent, "." + folderName + ".partial");
    removeTree(stage.m_stage); // left by a process that died: its lock is gone
    if (::mkdir(stage.m_stage.c_str(), 0777) != 0)
        return systemError(errno, "create the folder", stage.m_stage);
    return stage;
}

StagedFolder::StagedFolder(StagedFolder&& other) noexcept
    : m_target(std::move(other.m_target))
    , m_stage(std::exchange(other.m_stage, {}))
    , m_lockPath(std::exchange(other.m_lockPath, {}))
    , m_lockFd(std::exchange(other.m_lockFd, -1))
{
}

StagedFolder& StagedFolder::operator=(StagedFolder&& other) noexcept
{
    std::swap(m_target, other.m_target);
    std::swap(m_stage, other.m_stage);
    std::swap(m_lockPath, other.m_lockPath);
    std::swap(m_lockFd, other.m_lockFd);
    return *this;
}

StagedFolder::~StagedFolder()
{
    discard();
}

void StagedFolder::discard() noexcept
{
    if (!m_stage.empty())
        removeTree(m_stage);
    if (m_lockFd >= 0) {
        ::unlink(m_lockPath.c_str()); // while the lock is held, see lockFile()
        ::close(m_lockFd);
    }
    m_stage.clear();
    m_lockFd = -1;
}

Result<void> StagedFolder::publish()
{
    if (m_stage.empty())
        return makeError(Errc::Internal, "publish of a folder that is already finished").in(m_target);
    SA_CHECK(syncFolder(m_stage));
    if (::rename(m_stage.c_str(), m_target.c_str()) != 0)
        return systemError(errno, "rename into place", m_target);
    m_stage.clear();
    const auto synced = syncFolder(split(m_target).folder);
    discard();
    return synced;
}

} // namespace sa
