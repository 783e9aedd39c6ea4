// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/source_digests.h"

#include "core/base/parallel.h"
#include "core/base/sha256.h"
#include "core/engine/progress.h"

#include <mutex>
#include <optional>

namespace sa
{

Result<std::string> configDigest(const ModelFolder& model, const CancelToken& cancel)
{
    const std::string config = joinPath(model.path, "config.json");
    if (exists(config))
        return sha256OfFile(config, &cancel);
    SA_TRY(const Json implied, readConfig(model.path));
    return sha256Of(json::dumpPretty(implied));
}

Result<Json> hashSource(const ModelFolder& model, const JobContext& context)
{
    const auto files = model.store.files();
    ProgressMeter meter(context.emit, "hash", "files", static_cast<double>(files.size()));
    const auto nameOf = [&](std::size_t i) { return files[i].substr(files[i].rfind('/') + 1); };
    std::vector<std::optional<Result<std::string>>> digests(files.size());
    std::mutex oneAtATime;
    std::size_t hashed = 0;
    meter.update(0);
    parallelFor(static_cast<std::int64_t>(files.size()), [&](std::int64_t i) {
        const auto file = static_cast<std::size_t>(i);
        digests[file].emplace(sha256OfFile(files[file], &context.cancel));
        const std::lock_guard lock(oneAtATime);
        meter.update(static_cast<double>(++hashed), nameOf(file));
    });
    Json weights = Json::object();
    for (std::size_t i = 0; i < files.size(); ++i) {
        SA_TRY(const std::string digest, std::move(*digests[i]));
        weights[nameOf(i)] = digest;
    }
    Json out{{"weights_sha256", weights}, {"tokenizer_sha256", nullptr}};
    SA_TRY(out["config_sha256"], configDigest(model, context.cancel));
    for (const char* name : {"tokenizer.json", "tokenizer.model", "vocab.json"}) {
        const std::string tokenizer = joinPath(model.path, name);
        if (!exists(tokenizer))
            continue;
        SA_TRY(out["tokenizer_sha256"], sha256OfFile(tokenizer, &context.cancel));
        break;
    }
    return out;
}

} // namespace sa
