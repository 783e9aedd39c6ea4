// SPDX-License-Identifier: GPL-3.0-or-later
// The records of a quantize job that was begun (docs/decisions/0010): which job it is, and which blocks of it are
// durable. One JSON object a line, each line durable before the next; every line carries the SHA-256 of itself and of
// all lines before it, so that a line that was cut, changed or moved is never believed. The engine writes it, the
// window reads it to offer the job.
#pragma once

#include "core/base/atomic_file.h"
#include "core/base/json.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sa
{

inline constexpr int kJournalVersion = 1;

/// One finished shard.
struct FinishedBlock {
    std::string file, sha256;                        ///< of the shard, which is also the final folder's
    Json layers = Json::object();                    ///< by name, as in quantization_config.layers
    std::map<std::string, double> layerSeconds = {}; ///< by name
    double seconds = 0;                              ///< of the job until then, all its processes together
};

struct Journal {
    Json identity;              ///< everything that the bytes of the result depend on
    int blocks = 0, layers = 0; ///< of the whole job
    std::vector<FinishedBlock> finished = {};
    std::string damage = {}; ///< why lines were left out; a last line that was being written is not worth a word

    int finishedLayers() const;
    double seconds() const { return finished.empty() ? 0 : finished.back().seconds; }

    /// Where to go on: behind the first line (marks[0]) and behind that of each finished block.
    struct Mark {
        std::uint64_t bytes = 0;
        std::string check;
    };
    std::vector<Mark> marks = {};
};

/// Of the job that makes the folder `out`, whether it exists or not.
std::string journalPath(const std::string& out);
/// NotFound when there is none or its first line was never finished, BadFormat when that line is damaged, Unsupported
/// when a newer version wrote it.
Result<Journal> readJournal(const std::string& path);
/// The journal of an unfinished job that another start could continue: readable, at least one block finished.
std::optional<Journal> findUnfinished(const std::string& out);

/// {"field.path (found X, expected Y)", ...}, `begun` being what is expected; empty: the same job.
std::vector<std::string> identityDifferences(const Json& begun, const Json& wanted);

class JournalWriter
{
public:
    /// A new journal in place of whatever is there.
    static Result<JournalWriter> begin(const std::string& path, const Journal& journal);
    /// Goes on behind the first `blocks` finished blocks of what was read; the rest is cut off.
    static Result<JournalWriter> resume(const std::string& path, const Journal& journal, std::size_t blocks);
    /// Durable when this returns.
    Result<void> add(const FinishedBlock& block);

private:
    JournalWriter(AppendFile file, std::string check, std::size_t blocks)
        : m_file(std::move(file))
        , m_check(std::move(check))
        , m_blocks(blocks)
    {
    }
    Result<void> write(const char* kind, Json body);
    AppendFile m_file;
    std::string m_check;
    std::size_t m_blocks;
};

} // namespace sa
