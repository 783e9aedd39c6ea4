// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/eval/task_files.h"

#include "core/base/file.h"

#include <bzlib.h>

#include <algorithm>

namespace sa
{

namespace
{

constexpr std::uint64_t kMaxBytes = 256u << 20;

Result<std::string> decompressed(const std::string& packed, const std::string& path)
{
    bz_stream stream{};
    if (BZ2_bzDecompressInit(&stream, 0, 0) != BZ_OK)
        return makeError(Errc::OutOfMemory, "there is not enough memory to decompress").in(path);
    std::string in = packed, out;
    std::vector<char> buffer(1u << 20);
    stream.next_in = in.data();
    stream.avail_in = static_cast<unsigned>(in.size());
    int code = BZ_OK;
    while (code == BZ_OK && out.size() <= kMaxBytes) {
        stream.next_out = buffer.data();
        stream.avail_out = static_cast<unsigned>(buffer.size());
        code = BZ2_bzDecompress(&stream);
        const std::size_t made = buffer.size() - stream.avail_out;
        out.append(buffer.data(), made);
        if (code == BZ_OK && made == 0 && stream.avail_in == 0)
            break; // the file ends early
    }
    BZ2_bzDecompressEnd(&stream);
    if (code != BZ_STREAM_END)
        return makeError(Errc::BadFormat, "the compressed file is damaged, or too large")
            .in(path)
            .wanted("bzip2 of at most " + std::to_string(kMaxBytes) + " bytes");
    return out;
}

} // namespace

Result<std::string> readTaskFile(const std::string& path)
{
    SA_TRY(std::string text, readFile(path, kMaxBytes));
    const std::string suffix = ".bz2";
    if (path.size() > suffix.size() && path.compare(path.size() - suffix.size(), suffix.size(), suffix) == 0)
        return decompressed(text, path);
    return text;
}

Result<void> forEachJsonLine(const std::string& path, const std::function<Result<bool>(const JsonField&)>& row)
{
    SA_TRY(const std::string text, readTaskFile(path));
    std::size_t number = 0;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        const std::string_view line = std::string_view(text).substr(begin, end - begin);
        begin = end + 1;
        ++number;
        if (line.find_first_not_of(" \t\r") == std::string_view::npos)
            continue;
        const std::string where = "line " + std::to_string(number);
        auto value = json::parse(line, path);
        if (!value)
            return std::move(value).error().at(where);
        SA_TRY(const bool more, row(JsonField(*value, path, where)));
        if (!more)
            break;
    }
    return {};
}

Result<CsvTable> CsvTable::parse(const std::string& text, const std::string& file, std::size_t maxRows)
{
    CsvTable table;
    table.file = file;
    std::vector<std::string> record;
    std::string field;
    bool quoted = false, wasQuoted = false;
    std::size_t records = 0;
    const auto wrong = [&](const char* what) {
        return makeError(Errc::BadFormat, what).in(file).at("record " + std::to_string(records + 1));
    };
    const auto endRecord = [&]() -> Result<void> {
        record.push_back(std::move(field));
        field.clear();
        wasQuoted = false;
        if (records++ == 0)
            table.columns = std::move(record);
        else if (record.size() != table.columns.size())
            return makeError(Errc::BadFormat, "a record has another number of fields than the first")
                .in(file)
                .at("record " + std::to_string(records))
                .butFound(std::to_string(record.size()))
                .wanted(std::to_string(table.columns.size()));
        else
            table.rows.push_back(std::move(record));
        record.clear();
        return {};
    };
    for (std::size_t i = 0; i < text.size() && table.rows.size() < maxRows; ++i) {
        const char c = text[i];
        if (quoted) {
            if (c != '"')
                field += c;
            else if (i + 1 < text.size() && text[i + 1] == '"')
                field += text[++i];
            else
                quoted = false;
        } else if (c == '"' && field.empty() && !wasQuoted) {
            quoted = wasQuoted = true;
        } else if (c == ',') {
            record.push_back(std::move(field));
            field.clear();
            wasQuoted = false;
        } else if (c == '\n' || (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n')) {
            i += c == '\r';
            SA_CHECK(endRecord());
        } else if (wasQuoted) {
            return wrong("there is text behind a closing quote");
        } else {
            field += c;
        }
    }
    if (quoted)
        return wrong("a quote is never closed");
    if (table.rows.size() < maxRows && (!field.empty() || !record.empty() || wasQuoted))
        SA_CHECK(endRecord());
    return table;
}

Result<std::size_t> CsvTable::column(const std::string& name) const
{
    const auto place = std::find(columns.begin(), columns.end(), name);
    if (place == columns.end())
        return makeError(Errc::BadFormat, "a column is missing").in(file).at(name);
    return static_cast<std::size_t>(place - columns.begin());
}

} // namespace sa
