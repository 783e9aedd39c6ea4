// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/config_json.h"

#include "core/base/file.h"
#include "core/checkpoint/llama2c.h"

namespace sa
{

Result<Json> readConfigJson(const std::string& folder)
{
    if (!exists(folder))
        return makeError(Errc::NotFound, "there is no such folder").in(folder);
    if (!isFolder(folder))
        return makeError(Errc::BadInput, "this is a file, not a model folder")
            .in(folder)
            .wanted("a Hugging Face model folder")
            .tryThis("Give the folder that holds config.json and the weights");
    const std::string path = joinPath(folder, "config.json");
    if (exists(path))
        return json::parseFile(path, {.maxBytes = 32u << 20, .maxDepth = 32});
    SA_TRY(const auto llama2c, findLlama2c(folder));
    if (llama2c) {
        SA_TRY(const Llama2cFile file, Llama2cFile::open(joinPath(folder, *llama2c)));
        return llama2cConfig(file.header());
    }
    return makeError(Errc::NotFound, "the folder has no config.json")
        .in(folder)
        .wanted("a Hugging Face model folder: config.json, tokenizer.json and *.safetensors or pytorch_model*.bin")
        .tryThis("Check that the download is complete and that this is the model's own folder");
}

} // namespace sa
