// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/model.h"

#include "core/tokenizer/bpe.h"
#include "core/tokenizer/component.h"
#include "core/tokenizer/unigram.h"

namespace sa::tokenizer
{

Result<std::unique_ptr<const Model>> Model::read(const JsonField& field)
{
    if (!field.isObject())
        return field.wrong("an object");
    // Files from before the field existed are told by their merges.
    SA_TRY(const std::string type,
           field.has("type") || !field.has("merges") ? typeOf(field) : Result<std::string>("BPE"));
    if (type == "BPE")
        return BpeModel::read(field);
    if (type == "Unigram")
        return UnigramModel::read(field);
    return unsupportedType(field, "tokenizer model", type);
}

} // namespace sa::tokenizer
