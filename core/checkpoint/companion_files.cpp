// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/companion_files.h"

#include "core/base/atomic_file.h"
#include "core/base/file.h"
#include "core/base/sha256.h"
#include "core/checkpoint/folder_link.h"

#include <algorithm>
#include <filesystem>
#include <vector>

namespace fs = std::filesystem;

namespace sa
{

namespace
{

constexpr const char* kNames[] = {
    "tokenizer.json", "tokenizer.model", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.json",     "merges.txt",      "generation_config.json"};
constexpr const char* kTemplateFolders[] = {"chat_templates", "additional_chat_templates"};
constexpr std::uint64_t kMaxBytes = 256u << 20; ///< the largest tokenizers have some 35 MB
constexpr std::size_t kMaxTemplates = 1000;

bool isCompanion(const std::string& fileName)
{
    return fileName.rfind("chat_template.", 0) == 0 || isTokenizerBin(fileName) ||
           std::find(std::begin(kNames), std::end(kNames), fileName) != std::end(kNames);
}

/// Sorted file names of a folder that `wanted` accepts; empty when the folder is not there.
template<class Wanted> Result<std::vector<std::string>> list(const std::string& folder, Wanted wanted)
{
    std::vector<std::string> out;
    std::error_code failed;
    fs::directory_iterator entry(folder, failed);
    if (failed == std::errc::no_such_file_or_directory)
        return out;
    for (; !failed && entry != fs::directory_iterator(); entry.increment(failed))
        if (std::string fileName = entry->path().filename().string(); wanted(fileName))
            out.push_back(std::move(fileName));
    if (failed)
        return systemError(failed.value(), "list the folder", folder);
    std::sort(out.begin(), out.end());
    return out;
}

Result<std::string> copyFile(const std::string& from, const std::string& to)
{
    SA_TRY(const File source, File::open(from));
    if (source.sizeBytes() > kMaxBytes)
        return makeError(Errc::BadFormat, "the file is larger than such a file may be")
            .in(from)
            .butFound(std::to_string(source.sizeBytes()) + " bytes")
            .wanted("at most " + std::to_string(kMaxBytes));
    SA_TRY(AtomicFile target, AtomicFile::create(to));
    std::vector<std::byte> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(source.sizeBytes(), 1u << 20)));
    Sha256 digest;
    for (std::uint64_t offset = 0; offset < source.sizeBytes();) {
        const auto piece = std::span(buffer).first(
            static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), source.sizeBytes() - offset)));
        SA_CHECK(source.readAt(offset, piece));
        SA_CHECK(target.write(piece));
        digest.update(piece);
        offset += piece.size();
    }
    SA_CHECK(target.commit());
    return digest.hex();
}

} // namespace

bool isTokenizerBin(const std::string& fileName)
{
    return fileName.starts_with("tok") && fileName.ends_with(".bin");
}

Result<std::map<std::string, std::string>> copyCompanionFiles(const std::string& from, const std::string& to)
{
    SA_TRY(std::vector<std::string> names, list(from, isCompanion));
    for (const char* folder : kTemplateFolders) {
        const std::string path = joinPath(from, folder);
        std::error_code failed;
        const auto status = fs::symlink_status(path, failed);
        if (!fs::exists(status))
            continue;
        if (!fs::is_directory(status))
            return makeError(Errc::BadInput, "this should be a folder of chat templates")
                .in(path)
                .butFound(fs::is_symlink(status) ? "a link" : "a file");
        SA_TRY(const auto templates,
               list(path, [](const std::string& fileName) { return fileName.ends_with(".jinja"); }));
        if (templates.size() > kMaxTemplates)
            return makeError(Errc::BadInput, "there are too many chat templates")
                .in(path)
                .butFound(std::to_string(templates.size()));
        if (!templates.empty() && !fs::create_directory(joinPath(to, folder), failed))
            return systemError(failed.value(), "create the folder", joinPath(to, folder));
        for (const auto& fileName : templates)
            names.push_back(joinPath(folder, fileName));
    }
    std::map<std::string, std::string> digests;
    for (const auto& fileName : names) {
        std::string target;
        if (linkTarget(from, fileName, &target) == LinkTarget::Outside &&
            fs::path(target).filename() != fs::path(fileName).filename())
            return makeError(Errc::BadInput, "this is a link to another file outside the model folder")
                .in(joinPath(from, fileName))
                .butFound(target)
                .tryThis("Replace the link by the file that belongs there, or remove it");
        SA_TRY(digests[fileName], copyFile(joinPath(from, fileName), joinPath(to, fileName)));
    }
    return digests;
}

} // namespace sa
