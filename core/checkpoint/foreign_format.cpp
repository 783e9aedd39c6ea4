// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/foreign_format.h"

#include <algorithm>
#include <string>

namespace sa
{

namespace
{

bool startsWithIgnoringCase(std::string_view text, std::string_view lowerCase)
{
    return text.size() >= lowerCase.size() &&
           std::equal(lowerCase.begin(), lowerCase.end(), text.begin(), [](char wanted, char c) {
               return wanted == (c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
           });
}

std::string_view withoutLeadingSpace(std::string_view text)
{
    const auto first = text.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
    return first == std::string_view::npos ? std::string_view() : text.substr(first);
}

} // namespace

const char* convertPickleRemedy() noexcept
{
    return "Look for a safetensors version of the model, or convert it where you trust it: load it with transformers "
           "and call save_pretrained(FOLDER, safe_serialization=True). This program never runs a pickle: it may be any "
           "code";
}

std::optional<Error> recogniseForeignFormat(std::string_view firstBytes)
{
    firstBytes = firstBytes.substr(0, kSniffBytes);
    const auto starts = [&](std::string_view prefix) { return firstBytes.substr(0, prefix.size()) == prefix; };
    const auto damaged = [](const char* message, const char* remedy) {
        return makeError(Errc::BadFormat, message).wanted("a safetensors file").tryThis(remedy);
    };
    const auto other = [](const char* message, const char* remedy) {
        return makeError(Errc::Unsupported, message).wanted("a safetensors file").tryThis(remedy);
    };

    if (starts("version https://git-lfs.github.com/spec/"))
        return damaged("this is a Git LFS pointer, not the weights themselves",
                       "Run \"git lfs pull\" in the folder, or download the file itself");
    if (starts(std::string_view("PK\x03\x04", 4)) || starts(std::string_view("PK\x05\x06", 4)))
        return other("this is a ZIP archive, probably a PyTorch checkpoint",
                     "Give it the name that PyTorch checkpoints have (pytorch_model.bin), or look for a safetensors "
                     "version of the model");
    if (firstBytes.size() >= 2 && firstBytes[0] == '\x80' && firstBytes[1] >= 2 && firstBytes[1] <= 5)
        return other("this is a Python pickle", convertPickleRemedy());
    if (starts("GGUF") || starts("lmgg") || starts("tjgg"))
        return other("this is a GGUF or GGML file", "Use the original model in safetensors format");
    if (starts("\x89HDF"))
        return other("this is an HDF5 file", "Use the model in safetensors format");
    if (starts("\x1F\x8B"))
        return other("this is a gzip archive", "Unpack it first");

    const std::string_view text = withoutLeadingSpace(firstBytes);
    for (const char* mark : {"<!doctype", "<html", "<head", "<?xml", "<body"})
        if (startsWithIgnoringCase(text, mark))
            return damaged(
                "this is a web page saved under the name of a weight file",
                "Download the file again; open the page to see why it came instead (a sign-in or a licence)");
    if (!text.empty() && text.front() == '{')
        return damaged("this is a JSON text, not a weight file",
                       "Download the file again; the text may be a server's error message");
    if (firstBytes.size() >= 16 && firstBytes.find_first_not_of('\0') == std::string_view::npos)
        return damaged("the file begins with nothing but zeros, as an interrupted download or copy does",
                       "Download the file again");
    return std::nullopt;
}

} // namespace sa
