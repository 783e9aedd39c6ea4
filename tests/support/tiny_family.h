// SPDX-License-Identifier: GPL-3.0-or-later
// The families' tiny models (tests/data/families) as folders that whole jobs can run on: with a tokenizer of letters.
#pragma once

#include "core/base/atomic_file.h"
#include "core/base/json.h"

#include <QDir>
#include <QFile>

#include <string>

namespace test
{

inline const QString kFamilies = SA_SOURCE_DIR "/tests/data/families/";

/// Copies a family's model into `folder`, which is made, and writes a tokenizer of its 48 tokens: letters and blanks.
inline bool copyTinyFamily(const QString& family, const QString& folder)
{
    constexpr int kTokens = 48;
    const std::string letters = "abcdefghijklmnopqrstuvwxyz ";
    sa::Json vocab = sa::Json::object();
    for (std::size_t id = 0; id < kTokens; ++id)
        vocab[id < letters.size() ? std::string(1, letters[id]) : "<" + std::to_string(id) + ">"] = id;
    const sa::Json tokenizer{
        {"version", "1.0"},
        {"added_tokens", sa::Json::array()},
        {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", sa::Json::array()}, {"unk_token", "<47>"}}}};
    return QDir().mkpath(folder) && QFile::copy(kFamilies + family + "/config.json", folder + "/config.json") &&
           QFile::copy(kFamilies + family + "/model.safetensors", folder + "/model.safetensors") &&
           sa::writeFileAtomic((folder + "/tokenizer.json").toStdString(), sa::json::dumpPretty(tokenizer));
}

/// Text that such a tokenizer knows; the same every time.
inline std::string lettersText(std::size_t count)
{
    std::string text;
    std::uint32_t state = 1;
    while (text.size() < count) {
        state = state * 1664525U + 1013904223U;
        text += state >> 30 == 0 ? ' ' : static_cast<char>('a' + (state >> 16) % 26);
    }
    return text;
}

} // namespace test
