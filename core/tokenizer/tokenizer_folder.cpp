// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/tokenizer/tokenizer_folder.h"

#include "core/base/file.h"
#include "core/tokenizer/llama2c_file.h"
#include "core/tokenizer/sentencepiece_pipeline.h"
#include "core/tokenizer/tiktoken_file.h"
#include "core/tokenizer/vocab_merges.h"

#include <algorithm>
#include <filesystem>

namespace sa::tokenizer
{

namespace
{

Result<Pipeline> readTokenizerJson(const std::string& folder)
{
    const std::string file = joinPath(folder, "tokenizer.json");
    SA_TRY(const Json root, json::parseFile(file));
    SA_TRY(Pipeline pipeline, Pipeline::read(JsonField(root, file)));
    const std::string configFile = joinPath(folder, "tokenizer_config.json");
    if (exists(configFile)) {
        SA_TRY(const Json config, json::parseFile(configFile));
        SA_CHECK(pipeline.applyConfig(JsonField(config, configFile)));
    }
    return pipeline;
}

/// Two unrelated formats share this name; the tiktoken one is lines of text.
Result<Pipeline> readTokenizerModel(const std::string& folder, const std::string& file)
{
    constexpr std::uint64_t kMaxBytes = 256u << 20;
    SA_TRY(const std::string bytes, readFile(file, kMaxBytes));
    if (looksLikeTiktoken(bytes))
        return readTiktoken(bytes, folder, file);
    return readSentencePiece(bytes, folder, file);
}

std::vector<std::string> llama2cFiles(const std::string& folder)
{
    std::vector<std::string> out;
    std::error_code ignored;
    for (std::filesystem::directory_iterator entry(folder, ignored), end; !ignored && entry != end;
         entry.increment(ignored)) {
        const std::string name = entry->path().filename().string();
        if (name.starts_with("tok") && name.ends_with(".bin") && looksLikeLlama2c(entry->path().string()))
            out.push_back(entry->path().string());
    }
    std::sort(out.begin(), out.end());
    return out;
}

} // namespace

Result<Pipeline> readTokenizerFolder(const std::string& folder)
{
    const auto path = [&](const char* name) { return joinPath(folder, name); };
    if (exists(path("tokenizer.json")))
        return readTokenizerJson(folder);
    for (const char* const name : {"tokenizer.model", "original/tokenizer.model"})
        if (exists(path(name)))
            return readTokenizerModel(folder, path(name));
    if (exists(path("vocab.json")) || exists(path("merges.txt")))
        return readVocabMerges(folder);
    const auto files = llama2cFiles(folder);
    if (files.size() > 1)
        return makeError(Errc::BadInput, "several files could be the tokenizer")
            .in(folder)
            .butFound(std::filesystem::path(files[0]).filename().string() + ", " +
                      std::filesystem::path(files[1]).filename().string())
            .wanted("one")
            .tryThis("Leave only the tokenizer of this model in the folder");
    if (files.size() == 1)
        return readLlama2c(files.front());
    return makeError(Errc::NotFound, isFolder(folder) ? "the folder has no tokenizer" : "there is no such folder")
        .in(path("tokenizer.json"))
        .wanted("tokenizer.json, tokenizer.model, vocab.json with merges.txt, or tokenizer.bin of llama2.c")
        .tryThis("A model folder needs its tokenizer.json; download it with the weights");
}

} // namespace sa::tokenizer
