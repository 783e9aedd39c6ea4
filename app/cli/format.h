// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers, sizes, times and tables as people read them in a terminal.
#pragma once

#include "core/base/error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace sa::cli
{

std::string formatBytes(double bytes);          ///< "704 B", "17.0 KiB", "13.20 MiB"
std::string formatCount(double count);          ///< whole numbers with thousands separated: "10 220"
std::string formatMillions(double count);       ///< "6.92 M", "1.31 B", "812"
std::string formatSeconds(double seconds);      ///< "0.84 s", "12.3 s", "2:05 min", "1:02:05 h"
std::string formatWholeSeconds(double seconds); ///< rounded up: "12 s", "2:05 min"
std::string formatNumber(double value, int significantDigits);

/// Columns of a terminal that `text` takes: one a code point (names of tensors hold nothing wider).
std::size_t displayWidth(const std::string& text);
/// `text` cut to `width` columns, the middle replaced by "..".
std::string shortened(const std::string& text, std::size_t width);

/// Rows under a header; numbers flush right.
class Table
{
public:
    enum class Align { Left, Right };
    void column(std::string title, Align align);
    void row(std::vector<std::string> cells); ///< as many as there are columns
    std::string text() const;                 ///< lines with "\n", no trailing blanks

private:
    struct Column {
        std::string title;
        Align align;
    };
    std::vector<Column> m_columns;
    std::vector<std::vector<std::string>> m_rows;
};

/// "Label   value" lines with the values in one column.
std::string labelled(const std::vector<std::pair<std::string, std::string>>& lines);

/// What, where, found, expected and what to do, one below the other. Safe for a terminal.
std::string errorBlock(const Error& error);

} // namespace sa::cli
