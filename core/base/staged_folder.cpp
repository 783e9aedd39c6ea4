// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/staged_folder.h"

#include "core/base/atomic_file.h"
#include "core/base/file.h"

#include <array>
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

constexpr const char* kModelName = "model"; ///< of the stage inside an unfinished root

std::string besidePath(const std::string& target, const char* suffix)
{
    const auto [parent, folderName] = splitPath(target);
    return joinPath(parent, "." + folderName + suffix);
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

Result<void> makeFolder(const std::string& path)
{
    if (::mkdir(path.c_str(), 0777) != 0 && errno != EEXIST)
        return systemError(errno, "create the folder", path);
    return {};
}

std::string hostName()
{
    std::array<char, 256> text{};
    return ::gethostname(text.data(), text.size() - 1) == 0 ? text.data() : "this computer";
}

/// "process 4711 on HOST", as the holder wrote it; empty when it did not.
std::string holderOf(int fd)
{
    std::array<char, 300> text{};
    const ssize_t count = ::pread(fd, text.data(), text.size(), 0);
    return count > 0 ? display(std::string(text.data(), static_cast<std::size_t>(count))) : std::string();
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
            const std::string holder = holderOf(fd);
            ::close(fd);
            if (code == EWOULDBLOCK)
                return makeError(Errc::BadInput, "another job is writing this output folder right now")
                    .in(target)
                    .butFound(holder)
                    .tryThis("Wait for it, or choose another output folder");
            return systemError(code, "lock the output folder", path);
        }
        // The former holder unlinks the file before it lets go: a lock on an unlinked file is no lock.
        struct stat mine {
        }, current{};
        if (::fstat(fd, &mine) == 0 && ::stat(path.c_str(), &current) == 0 && mine.st_ino == current.st_ino) {
            // For the message of others only: a failure does not matter.
            const std::string holder = "process " + std::to_string(::getpid()) + " on " + hostName();
            if (::ftruncate(fd, 0) == 0) [[maybe_unused]]
                const ssize_t put = ::pwrite(fd, holder.data(), holder.size(), 0);
            return fd;
        }
        ::close(fd);
    }
}

} // namespace

/// Not std::filesystem::remove_all: libtorch's own builds export an older std::filesystem, in which it crashes.
void removeTree(const std::string& path) noexcept
{
    constexpr int kOpenFolders = 16;
    const auto removeEntry = [](const char* entry, const struct stat*, int, FTW*) { return ::remove(entry); };
    ::nftw(path.c_str(), removeEntry, kOpenFolders, FTW_DEPTH | FTW_PHYS);
}

Result<StagedFolder> StagedFolder::lock(const std::string& target)
{
    const auto [parent, folderName] = splitPath(target);
    if (folderName.empty() || folderName == "." || folderName == ".." || target.find('\0') != std::string::npos)
        return makeError(Errc::BadInput, "this cannot be the name of an output folder").in(target);
    std::error_code failed;
    fs::create_directories(parent, failed);
    if (failed)
        return systemError(failed.value(), "create the folder", parent);
    StagedFolder stage;
    stage.m_target = joinPath(parent, folderName);
    const std::string lockPath = besidePath(target, ".lock");
    SA_TRY(stage.m_lockFd, lockFile(lockPath, target));
    stage.m_lockPath = lockPath;
    return stage;
}

Result<StagedFolder> StagedFolder::create(const std::string& target)
{
    SA_CHECK(checkTargetFree(target));
    SA_TRY(StagedFolder stage, lock(target));
    SA_CHECK(checkTargetFree(target)); // it may have been published while we waited for nothing
    stage.m_root = stage.m_stage = besidePath(target, ".partial");
    removeTree(stage.m_stage); // left by a process that died: its lock is gone
    if (::mkdir(stage.m_stage.c_str(), 0777) != 0)
        return systemError(errno, "create the folder", stage.m_stage);
    return stage;
}

Result<StagedFolder> StagedFolder::continued(const std::string& target)
{
    const std::string root = unfinishedRoot(target);
    if (!exists(root))
        SA_CHECK(checkTargetFree(target)); // before anything is made beside it
    SA_TRY(StagedFolder stage, lock(target));
    const std::string model = joinPath(root, kModelName);
    if (auto isFree = checkTargetFree(target); !isFree) {
        if (!exists(root) || exists(model))
            return std::move(isFree).error();
        removeTree(root); // its process died right after the folder had appeared
        return makeError(Errc::BadInput, "this job was finished: its output folder is complete")
            .in(target)
            .tryThis("Use the folder, or choose another output folder");
    }
    SA_CHECK(makeFolder(root));
    stage.m_root = root; // from here on the destructor may remove it
    stage.m_kept = exists(model);
    SA_CHECK(makeFolder(model));
    stage.m_stage = model;
    SA_CHECK(syncFolder(root));
    SA_CHECK(syncFolder(splitPath(root).folder));
    return stage;
}

StagedFolder::StagedFolder(StagedFolder&& other) noexcept
    : m_target(std::move(other.m_target))
    , m_root(std::exchange(other.m_root, {}))
    , m_stage(std::exchange(other.m_stage, {}))
    , m_lockPath(std::exchange(other.m_lockPath, {}))
    , m_lockFd(std::exchange(other.m_lockFd, -1))
    , m_kept(other.m_kept)
{
}

StagedFolder& StagedFolder::operator=(StagedFolder&& other) noexcept
{
    std::swap(m_target, other.m_target);
    std::swap(m_root, other.m_root);
    std::swap(m_stage, other.m_stage);
    std::swap(m_lockPath, other.m_lockPath);
    std::swap(m_lockFd, other.m_lockFd);
    std::swap(m_kept, other.m_kept);
    return *this;
}

StagedFolder::~StagedFolder()
{
    release();
}

void StagedFolder::release() noexcept
{
    if (!m_root.empty() && !m_kept)
        removeTree(m_root);
    if (m_lockFd >= 0) {
        ::unlink(m_lockPath.c_str()); // while the lock is held, see lockFile()
        ::close(m_lockFd);
    }
    m_root.clear();
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
    const auto synced = syncFolder(splitPath(m_target).folder);
    m_kept = false; // only the records are left in the root
    release();
    return synced;
}

std::string StagedFolder::unfinishedRoot(const std::string& target)
{
    return besidePath(target, ".unfinished");
}

bool StagedFolder::isLocked(const std::string& target)
{
    const int fd = ::open(besidePath(target, ".lock").c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    const bool locked = ::flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    ::close(fd);
    return locked;
}

Result<void> StagedFolder::discardUnfinished(const std::string& target)
{
    if (!exists(unfinishedRoot(target)))
        return {};
    SA_TRY(StagedFolder stage, lock(target));
    // Out of the way first: what is removed half must not look like something to continue.
    stage.m_root = besidePath(target, ".partial");
    removeTree(stage.m_root);
    if (::rename(unfinishedRoot(target).c_str(), stage.m_root.c_str()) != 0)
        return systemError(errno, "discard the unfinished job", unfinishedRoot(target));
    return {}; // the destructor removes it
}

} // namespace sa
