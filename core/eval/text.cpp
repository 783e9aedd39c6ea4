// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/eval/text.h"

#include "core/base/file.h"

#include <random>

namespace sa
{

namespace
{

constexpr std::uint64_t kMaxTextBytes = std::uint64_t{1} << 30;

bool isBlank(std::string_view line)
{
    return line.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos;
}

/// Uniform in [0, bound): std::uniform_int_distribution differs between standard libraries, rejection does not.
std::uint64_t below(std::mt19937_64& random, std::uint64_t bound)
{
    const std::uint64_t limit = std::mt19937_64::max() - std::mt19937_64::max() % bound;
    std::uint64_t value = random();
    while (value >= limit)
        value = random();
    return value % bound;
}

} // namespace

Result<std::string> readText(const std::string& path)
{
    SA_TRY(std::string text, readFile(path, kMaxTextBytes));
    if (isBlank(text))
        return makeError(Errc::BadInput, "the text file is empty")
            .in(path)
            .wanted("UTF-8 text")
            .tryThis("Choose a file with text in it");
    return text;
}

std::string joinRawLines(std::string_view text)
{
    std::string out;
    out.reserve(text.size() + text.size() / 8);
    bool first = true;
    while (!text.empty()) {
        const auto newline = text.find('\n');
        const auto length = newline == std::string_view::npos ? text.size() : newline + 1;
        const std::string_view line = text.substr(0, length);
        text.remove_prefix(length);
        if (!first)
            out += "\n\n";
        first = false;
        if (!isBlank(line))
            out += line;
    }
    return out;
}

Result<std::vector<std::vector<std::int32_t>>> sampleWindows(const std::vector<std::int32_t>& ids, int count,
                                                             int length, std::uint64_t seed)
{
    const auto window = static_cast<std::size_t>(length);
    if (ids.size() < window + 1)
        return makeError(Errc::BadInput, "the calibration text is too short")
            .butFound(std::to_string(ids.size()) + " tokens")
            .wanted("at least " + std::to_string(window + 1) + " tokens for a window of " + std::to_string(length))
            .tryThis("Give more text or a smaller window length");
    std::mt19937_64 random(seed);
    std::vector<std::vector<std::int32_t>> windows;
    for (int i = 0; i < count; ++i) {
        const auto start = ids.begin() + static_cast<std::ptrdiff_t>(below(random, ids.size() - window));
        windows.emplace_back(start, start + length);
    }
    return windows;
}

} // namespace sa
