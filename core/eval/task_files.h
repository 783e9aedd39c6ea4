// SPDX-License-Identifier: GPL-3.0-or-later
// The files that tasks come in: JSON lines, comma-separated values, bzip2.
#pragma once

#include "core/base/json.h"

#include <functional>
#include <string>
#include <vector>

namespace sa
{

/// At most 256 MiB; a name that ends in .bz2 is decompressed (BadFormat when it is damaged or larger than that).
Result<std::string> readTaskFile(const std::string& path);

/// Calls `row` for each line that is not blank until it says false. Errors carry "line N".
Result<void> forEachJsonLine(const std::string& path, const std::function<Result<bool>(const JsonField&)>& row);

/// RFC 4180: quotes, doubled quotes, line breaks in quotes, "\n" or "\r\n". The first record names the columns.
struct CsvTable {
    std::string file;
    std::vector<std::string> columns;
    std::vector<std::vector<std::string>> rows; ///< all as long as `columns`

    static Result<CsvTable> parse(const std::string& text, const std::string& file, std::size_t maxRows);
    /// BadFormat when there is no such column.
    Result<std::size_t> column(const std::string& name) const;
};

} // namespace sa
