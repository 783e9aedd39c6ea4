// SPDX-License-Identifier: GPL-3.0-or-later
// SentencePiece's compiled rules of normalisation ("precompiled_charsmap"): a double-array trie from short texts to
// their replacements, as SentencePiece's builder writes it.
//
//   u32 size of the trie in bytes | trie: u32 units | replacements, each ended by a zero byte
#pragma once

#include "core/base/result.h"
#include "core/tokenizer/normalizers.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sa::tokenizer
{

class CharacterMap
{
public:
    /// Checks every unit: no lookup can leave the trie or the replacements. Errors carry no file and place.
    static Result<CharacterMap> parse(std::string_view bytes);

    /// The replacement of the shortest rule that begins `text`; the reference looks no further than that.
    std::optional<std::string_view> find(std::string_view text) const;
    /// The most that a replacement is longer than what it replaces.
    double growth() const { return m_growth; }

private:
    std::vector<std::uint32_t> m_units;
    std::string m_replacements;
    double m_growth = 1;
};

/// The normalizer "Precompiled" of tokenizer.json.
Result<std::unique_ptr<const Normalizer>> readPrecompiledNormalizer(const JsonField& field, double& growth);

} // namespace sa::tokenizer
