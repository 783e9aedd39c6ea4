// SPDX-License-Identifier: GPL-3.0-or-later
// What the fuzz targets share.
#pragma once

#include <cstdlib>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

namespace fuzz
{

[[noreturn]] inline void broken()
{
    std::abort(); // the fuzzer keeps the input
}

/// One file in memory for the life of the process, by a name that can be opened again.
class MemoryFile
{
public:
    explicit MemoryFile(const char* name)
        : m_fd(::memfd_create(name, MFD_CLOEXEC))
        , m_path("/proc/self/fd/" + std::to_string(m_fd))
    {
        if (m_fd < 0)
            broken();
    }
    void set(const std::string& bytes)
    {
        // Written before it is cut: the pages of the last input are used again.
        if (::pwrite(m_fd, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()) ||
            ::ftruncate(m_fd, static_cast<off_t>(bytes.size())) != 0)
            broken();
    }
    const std::string& path() const { return m_path; }

private:
    int m_fd;
    std::string m_path;
};

} // namespace fuzz
