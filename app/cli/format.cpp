// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/format.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace sa::cli
{

namespace
{

constexpr const char* kUnknown = "-";

std::string padded(const std::string& text, std::size_t width, Table::Align align)
{
    const std::string blanks(width - std::min(width, displayWidth(text)), ' ');
    return align == Table::Align::Left ? text + blanks : blanks + text;
}

void appendLine(std::string& out, std::string line)
{
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
}

bool continuesCharacter(char c)
{
    return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

} // namespace

std::string formatBytes(double bytes)
{
    if (!std::isfinite(bytes))
        return kUnknown;
    constexpr double kibi = 1024.0;
    if (bytes < kibi)
        return fmt::format("{:.0f} B", bytes);
    if (bytes < kibi * kibi)
        return fmt::format("{:.1f} KiB", bytes / kibi);
    if (bytes < kibi * kibi * kibi)
        return fmt::format("{:.2f} MiB", bytes / (kibi * kibi));
    return fmt::format("{:.2f} GiB", bytes / (kibi * kibi * kibi));
}

std::string formatCount(double count)
{
    if (!std::isfinite(count))
        return kUnknown;
    std::string digits = fmt::format("{:.0f}", count);
    const std::size_t first = digits.front() == '-' ? 1 : 0;
    for (std::size_t place = digits.size(); place > first + 3;) {
        place -= 3;
        digits.insert(place, " ");
    }
    return digits;
}

std::string formatMillions(double count)
{
    if (!std::isfinite(count))
        return kUnknown;
    if (count < 1e5)
        return formatCount(count);
    return count < 1e9 ? fmt::format("{:.2f} M", count / 1e6) : fmt::format("{:.2f} B", count / 1e9);
}

std::string formatSeconds(double seconds)
{
    if (!std::isfinite(seconds) || seconds < 0)
        return kUnknown;
    if (seconds < 9.995)
        return fmt::format("{:.2f} s", seconds);
    if (seconds < 59.95)
        return fmt::format("{:.1f} s", seconds);
    return formatWholeSeconds(std::round(seconds));
}

std::string formatWholeSeconds(double seconds)
{
    if (!std::isfinite(seconds) || seconds < 0)
        return kUnknown;
    constexpr double mostSeconds = 1e9; // fits the integer, and nobody waits for it
    const auto whole = static_cast<std::int64_t>(std::ceil(std::min(seconds, mostSeconds)));
    if (whole < 60)
        return fmt::format("{} s", whole);
    if (whole < 3600)
        return fmt::format("{}:{:02} min", whole / 60, whole % 60);
    return fmt::format("{}:{:02}:{:02} h", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string formatNumber(double value, int significantDigits)
{
    return std::isfinite(value) ? fmt::format("{:.{}g}", value, significantDigits) : kUnknown;
}

std::size_t displayWidth(const std::string& text)
{
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return !continuesCharacter(c); }));
}

std::string shortened(const std::string& text, std::size_t width)
{
    const std::size_t length = displayWidth(text);
    if (length <= width)
        return text;
    if (width <= 2)
        return std::string(width, '.');
    const std::size_t head = (width - 2) / 2;
    const std::size_t tail = width - 2 - head;
    std::string out;
    std::size_t place = 0; // code points before this byte, itself included
    for (const char c : text) {
        place += continuesCharacter(c) ? 0 : 1;
        if (place <= head || place > length - tail)
            out += c;
        else if (place == head + 1 && !continuesCharacter(c))
            out += "..";
    }
    return out;
}

void Table::column(std::string title, Align align)
{
    m_columns.push_back({std::move(title), align});
}

void Table::row(std::vector<std::string> cells)
{
    cells.resize(m_columns.size());
    m_rows.push_back(std::move(cells));
}

std::string Table::text() const
{
    std::vector<std::size_t> widths;
    for (std::size_t i = 0; i < m_columns.size(); ++i) {
        std::size_t width = displayWidth(m_columns[i].title);
        for (const auto& row : m_rows)
            width = std::max(width, displayWidth(row[i]));
        widths.push_back(width);
    }
    constexpr const char* gap = "  ";
    std::string header, rule, out;
    for (std::size_t i = 0; i < m_columns.size(); ++i) {
        header += padded(m_columns[i].title, widths[i], m_columns[i].align) + gap;
        rule += std::string(widths[i], '-') + gap;
    }
    appendLine(out, std::move(header));
    appendLine(out, std::move(rule));
    for (const auto& row : m_rows) {
        std::string line;
        for (std::size_t i = 0; i < m_columns.size(); ++i)
            line += padded(row[i], widths[i], m_columns[i].align) + gap;
        appendLine(out, std::move(line));
    }
    return out;
}

std::string labelled(const std::vector<std::pair<std::string, std::string>>& lines)
{
    std::size_t width = 0;
    for (const auto& [label, value] : lines)
        width = std::max(width, displayWidth(label));
    std::string out;
    for (const auto& [label, value] : lines)
        appendLine(out, padded(label, width, Table::Align::Left) + "  " + value);
    return out;
}

std::string errorBlock(const Error& error)
{
    constexpr std::size_t maxBytes = 1000;
    if (error.code == Errc::Cancelled)
        return error.remedy.empty() ? "Cancelled\n"
                                    : "Cancelled\n  remedy    " + display(error.remedy, maxBytes) + "\n";
    std::string out = "Error: " + display(error.message, maxBytes) + "\n";
    const std::pair<const char*, const std::string*> parts[] = {{"file", &error.file},
                                                                {"where", &error.where},
                                                                {"found", &error.found},
                                                                {"expected", &error.expected},
                                                                {"remedy", &error.remedy}};
    for (const auto& [label, text] : parts)
        if (!text->empty())
            out += fmt::format("  {:<8}  {}\n", label, display(*text, maxBytes));
    return out;
}

} // namespace sa::cli
