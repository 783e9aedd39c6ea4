// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/component.h"

#include "core/tokenizer/unicode.h"

#include <algorithm>

namespace sa::tokenizer
{

Result<std::string> typeOf(const JsonField& part)
{
    return part.stringAt("type");
}

Result<void> onlyFields(const JsonField& part, std::initializer_list<std::string_view> known)
{
    SA_TRY(const auto members, part.members());
    for (const auto& [key, value] : members) {
        if (key == "type" || value.isNull() || std::find(known.begin(), known.end(), key) != known.end())
            continue;
        return makeError(Errc::Unsupported, "this setting of the tokenizer is not known here and may change its result")
            .in(value.file())
            .at(value.path())
            .tryThis("Update this program, or remove the setting if it is known to do nothing");
    }
    return {};
}

Error unsupportedType(const JsonField& part, const std::string& kind, const std::string& type)
{
    return makeError(Errc::Unsupported, "this " + kind + " is not supported")
        .in(part.file())
        .at(part.path() + ".type")
        .butFound("\"" + display(type, 60) + "\"");
}

Result<std::vector<JsonField>> sequenceOf(const JsonField& part, const std::string& key)
{
    SA_TRY(const JsonField list, part.at(key));
    return list.elements(kMaxParts);
}

Result<std::string> characterAt(const JsonField& part, const std::string& key)
{
    SA_TRY(const JsonField field, part.at(key));
    SA_TRY(std::string text, field.asString());
    if (text.empty() || utf8SequenceLength(text) != text.size())
        return field.wrong("exactly one character");
    return text;
}

Result<bool> boolAt(const JsonField& part, const std::string& key)
{
    SA_TRY(const JsonField field, part.at(key));
    return field.asBool();
}

} // namespace sa::tokenizer
