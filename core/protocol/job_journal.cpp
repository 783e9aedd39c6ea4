// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/protocol/job_journal.h"

#include "core/base/file.h"
#include "core/base/sha256.h"
#include "core/base/staged_folder.h"
#include "core/protocol/messages.h"

#include <algorithm>
#include <limits>

namespace sa
{

namespace
{

constexpr std::uint64_t kMaxBytes = 256u << 20;
constexpr std::int64_t kMaxBlocks = 99'998; // shards have five digits, and one is not a block
constexpr double kMaxSeconds = std::numeric_limits<double>::max();
constexpr const char* kCheck = "check";
constexpr const char* kJob = "job";
constexpr const char* kBlock = "block";

std::string checkOf(const std::string& before, const char* kind, const Json& body)
{
    return sha256Of(before + json::dump(Json{{kind, body}}));
}

Error damaged(std::string message, const JsonField& line)
{
    return makeError(Errc::BadFormat, std::move(message)).in(line.file()).at(line.path());
}

/// The body of a line whose check is right.
Result<JsonField> checkedBody(const JsonField& line, const char* kind, const std::string& before)
{
    if (!line.isObject())
        return line.wrong("an object");
    SA_TRY(const std::string check, line.stringAt(kCheck));
    SA_TRY(const JsonField body, line.at(kind));
    if (check != checkOf(before, kind, body.raw()))
        return damaged("the line is not what was written", line);
    return body;
}

Result<void> readHeader(const JsonField& line, Journal& journal)
{
    if (!line.isObject())
        return line.wrong("an object");
    // The version first: another one may have other rules for all the rest.
    SA_TRY(const JsonField job, line.at(kJob));
    SA_TRY(const std::int64_t version, job.intAt("format", 1, std::numeric_limits<int>::max()));
    if (version > kJournalVersion)
        return makeError(Errc::Unsupported, "this unfinished job was begun by a newer version of this program")
            .in(line.file())
            .at(job.path() + ".format")
            .butFound(std::to_string(version))
            .wanted("at most " + std::to_string(kJournalVersion))
            .tryThis("Continue it with that version, or discard it (--restart)");
    SA_CHECK(checkedBody(line, kJob, {}));
    SA_TRY(const JsonField identity, job.at("identity"));
    if (!identity.isObject())
        return identity.wrong("an object");
    journal.identity = identity.raw();
    SA_TRY(const std::int64_t blocks, job.intAt("blocks", 1, kMaxBlocks));
    SA_TRY(const std::int64_t layers, job.intAt("layers", 1, std::numeric_limits<int>::max()));
    journal.blocks = static_cast<int>(blocks);
    journal.layers = static_cast<int>(layers);
    return {};
}

Result<FinishedBlock> readBlock(const JsonField& line, const Journal& journal)
{
    SA_TRY(const JsonField body, checkedBody(line, kBlock, journal.marks.back().check));
    SA_TRY(const std::int64_t index, body.intAt("index", 0, journal.blocks - 1));
    if (index != static_cast<std::int64_t>(journal.finished.size()))
        return damaged("the blocks are not in order", line);
    FinishedBlock block;
    SA_TRY(block.file, body.stringAt("file"));
    if (block.file.empty() || block.file.find('/') != std::string::npos || block.file.front() == '.')
        return damaged("this is not the name of a shard", line);
    SA_TRY(block.sha256, body.stringAt("sha256"));
    SA_TRY(const JsonField layers, body.at("layers"));
    if (!layers.isObject())
        return layers.wrong("an object");
    block.layers = layers.raw();
    SA_TRY(const JsonField layerSeconds, body.at("layer_seconds"));
    SA_TRY(const auto entries, layerSeconds.members());
    for (const auto& [layer, seconds] : entries) {
        SA_TRY(block.layerSeconds[layer], seconds.asDouble(0, kMaxSeconds));
    }
    SA_TRY(const JsonField seconds, body.at("seconds"));
    SA_TRY(block.seconds, seconds.asDouble(0, kMaxSeconds));
    return block;
}

std::string shortText(const Json& value)
{
    constexpr std::size_t kDigits = 12; // of a SHA-256: enough to see which is which
    std::string text = value.is_string() ? value.get<std::string>() : json::dump(value);
    if (text.size() > 4 * kDigits)
        text = text.substr(0, kDigits) + "...";
    return display(text);
}

void compare(const std::string& path, const Json* begun, const Json* wanted, std::vector<std::string>& out)
{
    if (begun && wanted && begun->is_object() && wanted->is_object()) {
        const auto below = [&](const std::string& key) { return path.empty() ? key : path + "." + key; };
        const auto find = [](const Json* in, const std::string& key) {
            const auto place = in->find(key);
            return place == in->end() ? nullptr : &*place;
        };
        for (const auto& [key, value] : begun->items())
            compare(below(key), &value, find(wanted, key), out);
        for (const auto& [key, value] : wanted->items())
            if (!begun->contains(key))
                compare(below(key), nullptr, &value, out);
    } else if (!begun || !wanted || *begun != *wanted) {
        out.push_back(display(path) + " (found " + (wanted ? shortText(*wanted) : "nothing") + ", expected " +
                      (begun ? shortText(*begun) : "nothing") + ")");
    }
}

} // namespace

int Journal::finishedLayers() const
{
    std::size_t count = 0;
    for (const auto& block : finished)
        count += block.layers.size();
    return static_cast<int>(count);
}

std::string journalPath(const std::string& out)
{
    return joinPath(StagedFolder::unfinishedRoot(out), "journal.jsonl");
}

Result<Journal> readJournal(const std::string& path)
{
    SA_TRY(const std::string text, readFile(path, kMaxBytes));
    Journal journal;
    std::size_t begin = 0;
    // What has no line end was being written when the process died.
    for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
        const std::string where = "line " + std::to_string(journal.marks.size() + 1);
        const auto readLine = [&]() -> Result<void> {
            SA_TRY(const Json value, json::parse(std::string_view(text).substr(begin, end - begin), path));
            const JsonField line(value, path, where);
            if (journal.marks.empty()) {
                SA_CHECK(readHeader(line, journal));
            } else {
                SA_TRY(FinishedBlock block, readBlock(line, journal));
                journal.finished.push_back(std::move(block));
            }
            journal.marks.push_back({end + 1, value.at(kCheck).get<std::string>()});
            return {};
        };
        if (auto read = readLine(); !read) {
            if (journal.marks.empty())
                return std::move(read).error();
            journal.damage = where + ": " + read.error().message;
            break;
        }
        begin = end + 1;
    }
    if (journal.marks.empty())
        return makeError(Errc::NotFound, "nothing was finished of this job").in(path);
    return journal;
}

std::optional<Journal> findUnfinished(const std::string& out)
{
    auto journal = readJournal(journalPath(out));
    if (!journal || journal->finished.empty())
        return std::nullopt;
    return *std::move(journal);
}

std::vector<std::string> identityDifferences(const Json& begun, const Json& wanted)
{
    std::vector<std::string> out;
    compare({}, &begun, &wanted, out);
    return out;
}

Result<JournalWriter> JournalWriter::begin(const std::string& path, const Journal& journal)
{
    SA_TRY(AppendFile file, AppendFile::open(path, 0));
    JournalWriter writer(std::move(file), {}, 0);
    SA_CHECK(writer.write(kJob, {{"format", kJournalVersion},
                                 {"build", buildVersion()},
                                 {"blocks", journal.blocks},
                                 {"layers", journal.layers},
                                 {"identity", journal.identity}}));
    return writer;
}

Result<JournalWriter> JournalWriter::resume(const std::string& path, const Journal& journal, std::size_t blocks)
{
    const Journal::Mark& mark = journal.marks.at(std::min(blocks, journal.finished.size()));
    SA_TRY(AppendFile file, AppendFile::open(path, mark.bytes));
    return JournalWriter(std::move(file), mark.check, blocks);
}

Result<void> JournalWriter::add(const FinishedBlock& block)
{
    SA_CHECK(write(kBlock, {{"index", m_blocks},
                            {"file", block.file},
                            {"sha256", block.sha256},
                            {"layers", block.layers},
                            {"layer_seconds", block.layerSeconds},
                            {"seconds", block.seconds}}));
    ++m_blocks;
    return {};
}

Result<void> JournalWriter::write(const char* kind, Json body)
{
    const std::string check = checkOf(m_check, kind, body);
    SA_CHECK(m_file.append(json::dump(Json{{kind, std::move(body)}, {kCheck, check}}) + "\n"));
    m_check = check;
    return {};
}

} // namespace sa
