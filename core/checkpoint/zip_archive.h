// SPDX-License-Identifier: GPL-3.0-or-later
// The directory of a ZIP archive (PKWARE APPNOTE 6.3, with zip64), as far as stored entries can be read in place.
// Believed only after every claim was checked against the file: the directory is whole, names are unique, entries lie
// before it and do not overlap, and each local header agrees. Checksums are not verified: they were computed by whoever
// wrote the file and say nothing about trust, and they would cost a pass over all weights.
#pragma once

#include "core/base/file.h"

#include <map>
#include <string>

namespace sa
{

class ZipArchive
{
public:
    static constexpr std::uint64_t kMaxDirectoryBytes = 64u << 20;
    static constexpr std::uint64_t kMaxEntries = 200'000; ///< a checkpoint has one per tensor

    struct Entry {
        std::uint64_t offset = 0;    ///< of the data, from the start of the file
        std::uint64_t sizeBytes = 0; ///< unpacked
        bool stored = true;          ///< false: compressed; the data cannot be read in place
    };

    /// BadFormat names the file and the place in it. Unsupported: encrypted, or split into several files.
    static Result<ZipArchive> open(const File& file);

    const std::map<std::string, Entry>& entries() const { return m_entries; } ///< by full name; no folders

private:
    std::map<std::string, Entry> m_entries;
};

} // namespace sa
