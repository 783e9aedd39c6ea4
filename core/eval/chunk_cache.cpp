// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/eval/chunk_cache.h"

#include "core/base/atomic_file.h"
#include "core/base/file.h"
#include "core/base/sha256.h"

#include <cstdio>
#include <filesystem>

namespace sa
{

namespace
{

constexpr int kFormat = 1;
constexpr std::uint64_t kMaxHeader = 1024;
constexpr std::uint64_t kReserve = std::uint64_t{1} << 30; ///< a cache never fills the disk

} // namespace

ChunkCache::ChunkCache(std::optional<std::string> folder, const std::string& kind, const Json& identity)
    : m_identity(identity)
    , m_key(sha256Of(json::dump(identity)).substr(0, 32))
{
    if (folder)
        m_folder = joinPath(*folder, kind + "-" + m_key);
}

std::string ChunkCache::path(int chunk) const
{
    char name[32];
    std::snprintf(name, sizeof name, "chunk-%05d.bin", chunk);
    return joinPath(*m_folder, name);
}

std::optional<std::string> ChunkCache::read(int chunk, std::uint64_t maxBytes) const
{
    if (!m_folder || !exists(path(chunk)))
        return std::nullopt;
    auto text = readFile(path(chunk), maxBytes + kMaxHeader);
    if (!text)
        return std::nullopt;
    const std::size_t line = text->find('\n');
    if (line == std::string::npos || line > kMaxHeader)
        return std::nullopt;
    const auto header = json::parse(std::string_view(*text).substr(0, line), path(chunk));
    std::string bytes = text->substr(line + 1);
    const Json expected{
        {"format", kFormat}, {"key", m_key}, {"chunk", chunk}, {"bytes", bytes.size()}, {"sha256", sha256Of(bytes)}};
    if (!header || *header != expected)
        return std::nullopt;
    return bytes;
}

Result<void> ChunkCache::write(int chunk, std::string_view bytes) const
{
    if (!m_folder)
        return {};
    const std::string identity = joinPath(*m_folder, "identity.json");
    if (!exists(identity)) {
        std::error_code failed;
        std::filesystem::create_directories(*m_folder, failed);
        if (failed)
            return systemError(failed.value(), "create", *m_folder);
        SA_CHECK(writeFileAtomic(identity, json::dumpPretty(m_identity)));
    }
    SA_TRY(const std::uint64_t free, freeBytes(*m_folder));
    if (free < bytes.size() + kReserve)
        return makeError(Errc::NoSpace, "the disk is too full to keep what an evaluation finishes")
            .in(*m_folder)
            .butFound(std::to_string(free) + " bytes free")
            .wanted("at least " + std::to_string(bytes.size() + kReserve))
            .tryThis("Evaluate fewer windows, or let SHIFTADD_CACHE name a folder on another disk");
    const Json header{{"format", kFormat},
                      {"key", m_key},
                      {"chunk", chunk},
                      {"bytes", bytes.size()},
                      {"sha256", sha256Of(std::string(bytes))}};
    SA_TRY(AtomicFile file, AtomicFile::create(path(chunk)));
    SA_CHECK(file.write(json::dump(header) + "\n"));
    SA_CHECK(file.write(bytes));
    return file.commit();
}

} // namespace sa
