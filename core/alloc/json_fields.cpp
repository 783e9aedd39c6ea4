// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/alloc/json_fields.h"

#include <algorithm>

namespace sa
{

Result<void> refuseUnknownMembers(const JsonField& object, const std::vector<std::string_view>& known)
{
    SA_TRY(const auto members, object.members());
    for (const auto& [key, member] : members) {
        if (std::find(known.begin(), known.end(), key) != known.end())
            continue;
        std::string expected;
        for (const std::string_view name : known)
            expected.append(expected.empty() ? "" : ", ").append(name);
        return makeError(Errc::BadFormat, "there is no such field")
            .in(object.file())
            .at(display(member.path()))
            .wanted(expected);
    }
    return {};
}

Result<void> checkFormat(const JsonField& file, const std::string& format, int version)
{
    SA_TRY(const JsonField kind, file.at("format"));
    if (kind.raw() != format)
        return kind.wrong("\"" + format + "\"");
    SA_TRY(const std::int64_t found, file.intAt("version", 1, 1'000'000));
    if (found != version)
        return makeError(Errc::Unsupported, "this program does not read this version of the file")
            .in(file.file())
            .at("version")
            .butFound(std::to_string(found))
            .wanted(std::to_string(version));
    return {};
}

Result<std::string> linearName(const JsonField& field)
{
    SA_TRY(std::string text, field.asString());
    const bool isPlain = std::none_of(text.begin(), text.end(), [](unsigned char c) { return c < 32 || c == 127; });
    if (text.empty() || text.size() > 1000 || !isPlain)
        return field.wrong("a name of 1 to 1000 bytes without control characters");
    return text;
}

Result<std::uint64_t> unsignedAt(const JsonField& object, const std::string& key)
{
    SA_TRY(const JsonField field, object.at(key));
    if (!field.raw().is_number_unsigned())
        return field.wrong("an integer from 0 to 18446744073709551615");
    return field.raw().get<std::uint64_t>();
}

Result<std::string> sha256Text(const JsonField& field)
{
    SA_TRY(std::string text, field.asString());
    if (text.size() != 64 || text.find_first_not_of("0123456789abcdef") != std::string::npos)
        return field.wrong("a SHA-256 of 64 lower-case hexadecimal digits");
    return text;
}

Result<int> bitsFrom(const JsonField& field)
{
    if (const auto planes = field.asInt(1, 4); planes)
        return static_cast<int>(*planes);
    if (field.raw() == kKeptBits)
        return kKeptBits;
    return field.wrong("1, 2, 3, 4 or 16");
}

Json toJson(const Sensitivity::Model& model)
{
    return {{"architecture", model.architecture}, {"name", model.name}, {"weights_sha256", model.weightsSha256}};
}

Result<Sensitivity::Model> modelFrom(const JsonField& field)
{
    SA_CHECK(refuseUnknownMembers(field, {"architecture", "name", "weights_sha256"}));
    Sensitivity::Model out;
    SA_TRY(out.architecture, field.stringAt("architecture"));
    SA_TRY(out.name, field.stringAt("name"));
    SA_TRY(const JsonField digests, field.at("weights_sha256"));
    SA_TRY(const auto members, digests.members());
    for (const auto& [file, digest] : members) {
        SA_TRY(out.weightsSha256[file], sha256Text(digest));
    }
    return out;
}

} // namespace sa
