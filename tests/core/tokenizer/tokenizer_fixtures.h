// SPDX-License-Identifier: GPL-3.0-or-later
// Where the tokenizers of the tests come from: files of the repository, files of ../shared, and texts made on the spot.
#pragma once

#include "core/tokenizer/tokenizer.h"

#include <QString>
#include <string>
#include <vector>

namespace sa::test
{

struct TokenizerFile {
    QString name; ///< "models/llama2-6m"
    QString path; ///< of tokenizer.json, or of tokenizer.json.xz
};

/// The repository's own sample model first, then all of ../shared (none when it is absent).
std::vector<TokenizerFile> tokenizerFiles();
/// The bytes of such a file; unpacks .xz with the xz program. Empty when that is missing.
std::string tokenizerText(const TokenizerFile& file);
/// Empty when ../shared or the file in it is absent.
QString sharedPath(const QString& relative);

/// A whole tokenizer.json: BPE over the 100 printable ASCII and other characters, ids 0 to 99 (" " to "~", newline,
/// "▁", "Ġ", "é", "Ċ"), then `tokens`, and no merges. `parts` (an object) replaces top-level fields, its "model" only
/// the fields named there.
Json smallTokenizer(const std::vector<std::string>& tokens, const Json& parts = Json::object());
std::string dumped(const Json& json);

} // namespace sa::test
