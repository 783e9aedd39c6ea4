// SPDX-License-Identifier: GPL-3.0-or-later
// Finished pieces of long evaluations on disk, found by content: what a piece depends on is its key, so that nothing in
// the cache is ever out of date, and everything in it may be deleted at any time.
//
// FOLDER/KIND-KEY/identity.json says in words what KEY (32 hex digits of the SHA-256 of that JSON, compact) stands for.
// FOLDER/KIND-KEY/chunk-00000.bin is a line of JSON, {"bytes":N,"chunk":0,"format":1,"key":"...","sha256":"..."}, and N
// bytes, whose SHA-256 the line gives. A file that says anything else is not there.
#pragma once

#include "core/base/json.h"

#include <optional>
#include <string>
#include <string_view>

namespace sa
{

class ChunkCache
{
public:
    /// `kind`: a word for people who look into the folder. Without a folder nothing is ever found or kept.
    ChunkCache(std::optional<std::string> folder, const std::string& kind, const Json& identity);

    bool keeps() const { return m_folder.has_value(); }
    /// The bytes of a chunk whose check is right; `maxBytes` bounds what is read.
    std::optional<std::string> read(int chunk, std::uint64_t maxBytes) const;
    /// Whole or not at all (AtomicFile). NoSpace when the disk has less than 1 GiB more than that.
    Result<void> write(int chunk, std::string_view bytes) const;

private:
    std::string path(int chunk) const;
    std::optional<std::string> m_folder; ///< of this key
    Json m_identity;
    std::string m_key;
};

} // namespace sa
