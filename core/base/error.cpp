// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/error.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace sa
{

namespace
{

struct ErrcName {
    Errc code;
    const char* name;
    int exitStatus;
};
constexpr std::array<ErrcName, 12> kNames{{
    {Errc::Usage, "Usage", 2},
    {Errc::NotFound, "NotFound", 3},
    {Errc::BadFormat, "BadFormat", 3},
    {Errc::Unsupported, "Unsupported", 3},
    {Errc::BadInput, "BadInput", 3},
    {Errc::NoSpace, "NoSpace", 3},
    {Errc::OutOfMemory, "OutOfMemory", 1},
    {Errc::Io, "Io", 1},
    {Errc::Device, "Device", 1},
    {Errc::Protocol, "Protocol", 1},
    {Errc::Cancelled, "Cancelled", 130},
    {Errc::Internal, "Internal", 1},
}};

/// Length of the valid UTF-8 sequence at `p`, or 0 (overlong forms, surrogates and values past U+10FFFF are invalid).
std::size_t utf8Length(const unsigned char* p, std::size_t left)
{
    const unsigned char c = p[0];
    if (c < 0x80)
        return 1;
    const auto continuation = [&](std::size_t i) { return i < left && (p[i] & 0xC0) == 0x80; };
    if (c >= 0xC2 && c <= 0xDF)
        return continuation(1) ? 2 : 0;
    if (c >= 0xE0 && c <= 0xEF) {
        if (!continuation(1) || !continuation(2))
            return 0;
        if ((c == 0xE0 && p[1] < 0xA0) || (c == 0xED && p[1] > 0x9F))
            return 0;
        return 3;
    }
    if (c >= 0xF0 && c <= 0xF4) {
        if (!continuation(1) || !continuation(2) || !continuation(3))
            return 0;
        if ((c == 0xF0 && p[1] < 0x90) || (c == 0xF4 && p[1] > 0x8F))
            return 0;
        return 4;
    }
    return 0;
}

/// Code points that change how the text around them is drawn: C1 controls, line separators, bidirectional overrides.
bool isDeceptive(const unsigned char* p, std::size_t length)
{
    if (length == 2)
        return p[0] == 0xC2 && p[1] < 0xA0;
    if (length != 3 || p[0] != 0xE2)
        return false;
    const bool separatorOrBidi = p[1] == 0x80 && ((p[2] >= 0x8E && p[2] <= 0x8F) || (p[2] >= 0xA8 && p[2] <= 0xAE));
    const bool isolate = p[1] == 0x81 && p[2] >= 0xA6 && p[2] <= 0xA9;
    return separatorOrBidi || isolate;
}

void appendHex(std::string& out, const unsigned char* p, std::size_t length)
{
    constexpr char digits[] = "0123456789abcdef";
    for (std::size_t i = 0; i < length; ++i) {
        out += "\\x";
        out += digits[p[i] >> 4];
        out += digits[p[i] & 15];
    }
}

} // namespace

const char* name(Errc code) noexcept
{
    for (const auto& entry : kNames)
        if (entry.code == code)
            return entry.name;
    return "Internal";
}

Errc errcFromName(const std::string& text)
{
    for (const auto& entry : kNames)
        if (text == entry.name)
            return entry.code;
    return Errc::Internal;
}

int exitStatus(Errc code) noexcept
{
    for (const auto& entry : kNames)
        if (entry.code == code)
            return entry.exitStatus;
    return 1;
}

Error&& Error::in(std::string path) &&
{
    if (file.empty())
        file = std::move(path);
    return std::move(*this);
}

Error&& Error::at(std::string place) &&
{
    if (where.empty())
        where = std::move(place);
    return std::move(*this);
}

Error&& Error::butFound(std::string text) &&
{
    found = std::move(text);
    return std::move(*this);
}

Error&& Error::wanted(std::string text) &&
{
    expected = std::move(text);
    return std::move(*this);
}

Error&& Error::tryThis(std::string text) &&
{
    remedy = std::move(text);
    return std::move(*this);
}

std::string Error::sentence() const
{
    std::string out;
    if (!file.empty())
        out += display(file, 1000) + ": ";
    if (!where.empty())
        out += display(where) + ": ";
    out += display(message, 1000);
    if (!found.empty())
        out += ": found " + display(found);
    if (!expected.empty())
        out += (found.empty() ? ": expected " : ", expected ") + display(expected);
    if (!remedy.empty())
        out += ". " + display(remedy, 1000);
    return out;
}

Error makeError(Errc code, std::string message)
{
    Error error;
    error.code = code;
    error.message = std::move(message);
    return error;
}

Error systemError(int errnoValue, const std::string& doing, const std::string& path)
{
    Errc code = Errc::Io;
    std::string remedy;
    switch (errnoValue) {
    case ENOENT:
    case ENOTDIR:
        code = Errc::NotFound;
        break;
    case ENOSPC:
    case EDQUOT:
        code = Errc::NoSpace;
        remedy = "Free some space or choose another disk";
        break;
    case ENOMEM:
        code = Errc::OutOfMemory;
        break;
    case EACCES:
    case EPERM:
    case EROFS:
    case ELOOP:
    case ENAMETOOLONG:
        code = Errc::BadInput;
        break;
    default:
        break;
    }
    return makeError(code, "cannot " + doing + " (" + std::generic_category().message(errnoValue) + ")")
        .in(path)
        .tryThis(std::move(remedy));
}

std::string display(const std::string& untrusted, std::size_t maxBytes)
{
    std::string out;
    const auto* p = reinterpret_cast<const unsigned char*>(untrusted.data());
    std::size_t left = untrusted.size();
    while (left > 0) {
        if (out.size() >= maxBytes)
            return out + "...";
        const std::size_t length = utf8Length(p, left);
        if (length == 0) {
            appendHex(out, p, 1);
            ++p, --left;
            continue;
        }
        if (length == 1 && p[0] == '\n')
            out += "\\n";
        else if (length == 1 && p[0] == '\t')
            out += "\\t";
        else if ((length == 1 && (p[0] < 0x20 || p[0] == 0x7F)) || isDeceptive(p, length))
            appendHex(out, p, length);
        else
            out.append(reinterpret_cast<const char*>(p), length);
        p += length, left -= length;
    }
    return out;
}

} // namespace sa
