// SPDX-License-Identifier: GPL-3.0-or-later
// Encoding speed: bench_tokenizer FOLDER [TEXT-FILE]. Texts of 20 MB: the file again and again, one word without
// spaces, one letter, spaces, one emoji. Prints MB/s for each; decoding must give the text back.
#include "core/base/file.h"
#include "core/tokenizer/tokenizer.h"

#include <chrono>
#include <cstdio>

namespace
{

constexpr std::size_t kBytes = 20'000'000;

std::string repeated(const std::string& part)
{
    std::string out;
    while (out.size() + part.size() <= kBytes)
        out += part;
    return out;
}

std::string oneWord()
{
    std::string out;
    for (std::uint32_t state = 1; out.size() < kBytes;) {
        state = state * 1664525u + 1013904223u;
        out += "etaoinshrdlu"[(state >> 16) % 12];
    }
    return out;
}

void measure(const sa::Tokenizer& tokenizer, const char* name, const std::string& text)
{
    using Clock = std::chrono::steady_clock;
    const auto begin = Clock::now();
    const auto ids = tokenizer.encode(text);
    const auto encoded = Clock::now();
    const bool same = tokenizer.decode(ids) == text;
    const auto decoded = Clock::now();
    const auto speed = [&](auto from, auto to) {
        return static_cast<double>(text.size()) / 1e6 / std::chrono::duration<double>(to - from).count();
    };
    std::printf("%-8s %9zu ids, encode %6.1f MB/s, decode %6.1f MB/s%s\n", name, ids.size(), speed(begin, encoded),
                speed(encoded, decoded), same ? "" : " (decodes to another text)");
}

} // namespace

int main(int argc, char** argv)
{
    if (argc < 2) {
        std::fprintf(stderr, "usage: bench_tokenizer FOLDER [TEXT-FILE]\n");
        return 2;
    }
    const auto tokenizer = sa::Tokenizer::open(argv[1]);
    if (!tokenizer) {
        std::fprintf(stderr, "%s\n", tokenizer.error().sentence().c_str());
        return 3;
    }
    if (argc > 2) {
        const auto text = sa::readFile(argv[2], kBytes);
        if (text && !text->empty())
            measure(*tokenizer, "text", repeated(*text));
    }
    measure(*tokenizer, "word", oneWord());
    measure(*tokenizer, "letter", std::string(kBytes, 'a'));
    measure(*tokenizer, "spaces", std::string(kBytes, ' '));
    measure(*tokenizer, "emoji", repeated("\xF0\x9F\xA6\x99"));
    return 0;
}
