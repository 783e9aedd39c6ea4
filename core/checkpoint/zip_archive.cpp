// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/zip_archive.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

namespace sa
{

namespace
{

constexpr std::uint32_t kLocalSignature = 0x04034B50, kDirectorySignature = 0x02014B50, kEndSignature = 0x06054B50,
                        kEnd64Signature = 0x06064B50, kLocator64Signature = 0x07064B50;
constexpr std::uint64_t kLocalBytes = 30, kDirectoryBytes = 46, kEndBytes = 22, kEnd64Bytes = 56, kLocatorBytes = 20;
constexpr std::uint64_t kMaxCommentBytes = 0xFFFF;
constexpr std::uint32_t kInExtra32 = 0xFFFFFFFF; ///< the value is in the zip64 field
constexpr std::uint16_t kInExtra16 = 0xFFFF;
constexpr std::uint16_t kEncryptedFlag = 1;

/// Little-endian fields of a block that is known to be long enough.
template<class Number> Number numberAt(std::string_view bytes, std::size_t offset)
{
    Number value = 0;
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
}

/// Where the directory is, as the end record says.
struct Directory {
    std::uint64_t offset = 0;
    std::uint64_t sizeBytes = 0;
    std::uint64_t entries = 0;
    std::uint64_t end = 0; ///< offset of the first end record: the directory has to end here
};

/// One entry with the place of its local header.
struct Listed {
    std::string name;
    std::uint64_t headerOffset = 0;
    std::uint64_t packedBytes = 0;
    ZipArchive::Entry entry;
};

class ZipReader
{
public:
    explicit ZipReader(const File& file)
        : m_file(file)
    {
    }

    Result<std::map<std::string, ZipArchive::Entry>> run() const
    {
        SA_TRY(const Directory directory, findDirectory());
        SA_TRY(std::vector<Listed> listed, readDirectory(directory));
        std::sort(listed.begin(), listed.end(),
                  [](const Listed& a, const Listed& b) { return a.headerOffset < b.headerOffset; });
        std::uint64_t reached = 0;
        std::map<std::string, ZipArchive::Entry> entries;
        for (Listed& item : listed) {
            SA_CHECK(locate(item, directory.offset, reached));
            if (item.name.ends_with('/'))
                continue; // a folder
            const std::string name = item.name;
            if (!entries.emplace(std::move(item.name), item.entry).second)
                return bad("two entries have the same name").at(display(name));
        }
        return entries;
    }

private:
    Error bad(std::string message) const
    {
        return makeError(Errc::BadFormat, std::move(message))
            .in(m_file.path())
            .tryThis("Download or copy the file again");
    }
    Error damaged(std::string message, std::uint64_t offset) const
    {
        return bad(std::move(message)).at("byte " + std::to_string(offset));
    }

    Result<std::string> bytes(std::uint64_t offset, std::uint64_t count) const
    {
        std::string text(static_cast<std::size_t>(count), '\0');
        SA_CHECK(m_file.readAt(offset, std::as_writable_bytes(std::span(text.data(), text.size()))));
        return text;
    }

    Result<Directory> findDirectory() const
    {
        const std::uint64_t size = m_file.sizeBytes();
        if (size < kEndBytes)
            return bad("the file is too short for a ZIP archive").butFound(std::to_string(size) + " bytes");
        const std::uint64_t tailBytes = std::min(size, kEndBytes + kMaxCommentBytes);
        SA_TRY(const std::string tail, bytes(size - tailBytes, tailBytes));
        for (std::size_t at = tail.size() - kEndBytes + 1; at-- > 0;) {
            const std::string_view record = std::string_view(tail).substr(at);
            if (numberAt<std::uint32_t>(record, 0) == kEndSignature &&
                kEndBytes + numberAt<std::uint16_t>(record, 20) == record.size())
                return readEnd(record, size - tailBytes + at);
        }
        return bad("the archive has no end: the file was cut, or something was added to it")
            .wanted("a ZIP directory in the last bytes");
    }

    Result<Directory> readEnd(std::string_view record, std::uint64_t at) const
    {
        if (numberAt<std::uint16_t>(record, 4) != 0 && numberAt<std::uint16_t>(record, 4) != kInExtra16)
            return split();
        Directory directory{numberAt<std::uint32_t>(record, 16), numberAt<std::uint32_t>(record, 12),
                            numberAt<std::uint16_t>(record, 10), at};
        std::uint64_t entriesHere = numberAt<std::uint16_t>(record, 8);
        const bool needs64 =
            directory.offset == kInExtra32 || directory.sizeBytes == kInExtra32 || directory.entries == kInExtra16;
        if (at >= kLocatorBytes) {
            SA_TRY(const std::string locator, bytes(at - kLocatorBytes, kLocatorBytes));
            if (numberAt<std::uint32_t>(locator, 0) == kLocator64Signature) {
                const auto at64 = numberAt<std::uint64_t>(locator, 8);
                if (at64 > at - kLocatorBytes || at - kLocatorBytes - at64 < kEnd64Bytes)
                    return damaged("the zip64 end record is not where the archive says", at - kLocatorBytes)
                        .butFound(std::to_string(at64));
                SA_TRY(const std::string end64, bytes(at64, kEnd64Bytes));
                if (numberAt<std::uint32_t>(end64, 0) != kEnd64Signature)
                    return damaged("the zip64 end record is not where the archive says", at64);
                entriesHere = numberAt<std::uint64_t>(end64, 24);
                directory = {numberAt<std::uint64_t>(end64, 48), numberAt<std::uint64_t>(end64, 40),
                             numberAt<std::uint64_t>(end64, 32), at64};
            } else if (needs64) {
                return damaged("the archive says that it is a zip64 archive, and has no such record", at);
            }
        } else if (needs64) {
            return damaged("the archive says that it is a zip64 archive, and has no such record", at);
        }
        if (entriesHere != directory.entries)
            return split();
        if (directory.offset > directory.end || directory.end - directory.offset != directory.sizeBytes)
            return damaged("the directory of the archive is not where its end says", at)
                .butFound("offset " + std::to_string(directory.offset) + " and " + std::to_string(directory.sizeBytes) +
                          " bytes")
                .wanted("an end at " + std::to_string(directory.end));
        if (directory.sizeBytes > ZipArchive::kMaxDirectoryBytes || directory.entries > ZipArchive::kMaxEntries ||
            directory.entries * kDirectoryBytes > directory.sizeBytes)
            return damaged("the directory of the archive has an impossible size", directory.offset)
                .butFound(std::to_string(directory.entries) + " entries in " + std::to_string(directory.sizeBytes) +
                          " bytes")
                .wanted("at most " + std::to_string(ZipArchive::kMaxEntries) + " entries");
        return directory;
    }

    Error split() const
    {
        return makeError(Errc::Unsupported, "the archive is split into several files").in(m_file.path());
    }

    Result<std::vector<Listed>> readDirectory(const Directory& directory) const
    {
        SA_TRY(const std::string text, bytes(directory.offset, directory.sizeBytes));
        std::string_view rest = text;
        std::vector<Listed> out;
        for (std::uint64_t i = 0; i < directory.entries; ++i) {
            const std::uint64_t at = directory.offset + (text.size() - rest.size());
            if (rest.size() < kDirectoryBytes || numberAt<std::uint32_t>(rest, 0) != kDirectorySignature)
                return damaged("the directory of the archive has fewer entries than it says", at)
                    .butFound(std::to_string(i))
                    .wanted(std::to_string(directory.entries));
            const std::size_t nameBytes = numberAt<std::uint16_t>(rest, 28);
            const std::size_t extraBytes = numberAt<std::uint16_t>(rest, 30);
            const std::size_t whole = kDirectoryBytes + nameBytes + extraBytes + numberAt<std::uint16_t>(rest, 32);
            if (rest.size() < whole)
                return damaged("an entry of the archive's directory is cut", at);
            Listed item;
            item.name = rest.substr(kDirectoryBytes, nameBytes);
            if (item.name.empty() || item.name.find('\0') != std::string::npos)
                return damaged("an entry of the archive has an impossible name", at).butFound(display(item.name));
            if ((numberAt<std::uint16_t>(rest, 8) & kEncryptedFlag) != 0)
                return makeError(Errc::Unsupported, "the archive is encrypted")
                    .in(m_file.path())
                    .at(display(item.name));
            item.entry.stored = numberAt<std::uint16_t>(rest, 10) == 0;
            if (!readSizes(rest, rest.substr(kDirectoryBytes + nameBytes, extraBytes), item))
                return damaged("the zip64 field of an entry is cut", at).butFound(display(item.name));
            if (item.entry.stored && item.packedBytes != item.entry.sizeBytes)
                return bad("an entry that is not compressed has two sizes")
                    .at(display(item.name))
                    .butFound(std::to_string(item.packedBytes) + " and " + std::to_string(item.entry.sizeBytes));
            out.push_back(std::move(item));
            rest.remove_prefix(whole);
        }
        if (!rest.empty())
            return damaged("the directory of the archive has more entries than it says",
                           directory.offset + (text.size() - rest.size()));
        return out;
    }

    /// Each of the three numbers moves to the zip64 field when it does not fit; the field holds those that moved, in
    /// this order. False: the field is cut or absent.
    static bool readSizes(std::string_view header, std::string_view extra, Listed& item)
    {
        std::string_view wide;
        while (extra.size() >= 4) {
            const std::size_t bytes = numberAt<std::uint16_t>(extra, 2);
            if (extra.size() - 4 < bytes)
                return false;
            if (numberAt<std::uint16_t>(extra, 0) == 1)
                wide = extra.substr(4, bytes);
            extra.remove_prefix(4 + bytes);
        }
        const auto take = [&](std::size_t offset, std::uint64_t& value) {
            value = numberAt<std::uint32_t>(header, offset);
            if (value != kInExtra32)
                return true;
            if (wide.size() < 8)
                return false;
            value = numberAt<std::uint64_t>(wide, 0);
            wide.remove_prefix(8);
            return true;
        };
        return take(24, item.entry.sizeBytes) && take(20, item.packedBytes) && take(42, item.headerOffset);
    }

    /// Finds the data of an entry behind its local header. `reached` is the end of the entry before it.
    Result<void> locate(Listed& item, std::uint64_t directoryOffset, std::uint64_t& reached) const
    {
        const auto outside = [&] {
            return bad("an entry of the archive lies outside the archive").at(display(item.name));
        };
        if (item.headerOffset < reached)
            return bad("two entries of the archive share bytes of the file").at(display(item.name));
        if (item.headerOffset > directoryOffset || directoryOffset - item.headerOffset < kLocalBytes + item.name.size())
            return outside();
        SA_TRY(const std::string header, bytes(item.headerOffset, kLocalBytes + item.name.size()));
        if (numberAt<std::uint32_t>(header, 0) != kLocalSignature ||
            numberAt<std::uint16_t>(header, 26) != item.name.size() ||
            std::string_view(header).substr(kLocalBytes) != item.name)
            return bad("an entry and the archive's directory disagree")
                .at(display(item.name))
                .wanted("the entry's header at byte " + std::to_string(item.headerOffset));
        if ((numberAt<std::uint16_t>(header, 8) == 0) != item.entry.stored)
            return bad("an entry and the archive's directory disagree about compression").at(display(item.name));
        item.entry.offset =
            item.headerOffset + kLocalBytes + item.name.size() + numberAt<std::uint16_t>(header, 28); // below 2^62
        if (item.entry.offset > directoryOffset || item.packedBytes > directoryOffset - item.entry.offset)
            return outside();
        reached = item.entry.offset + item.packedBytes;
        return {};
    }

    const File& m_file;
};

} // namespace

Result<ZipArchive> ZipArchive::open(const File& file)
{
    ZipArchive archive;
    SA_TRY(archive.m_entries, ZipReader(file).run());
    return archive;
}

} // namespace sa
