// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/source_digests.h"

#include "core/base/file.h"
#include "core/base/parallel.h"
#include "core/base/sha256.h"
#include "core/engine/progress.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <optional>

namespace sa
{

namespace
{

/// Of a model: where only query and value layers were trained, a sixth of the bytes, all of 64 samples miss them once
/// in 100,000 times. On a disk that has to seek they take half a second.
constexpr std::size_t kSamples = 64;
constexpr std::uint64_t kSampleBytes = 4096;

std::string nameOf(const std::string& path)
{
    return path.substr(path.rfind('/') + 1);
}

} // namespace

Result<std::string> configDigest(const ModelFolder& model, const CancelToken& cancel)
{
    const std::string config = joinPath(model.path, "config.json");
    if (exists(config))
        return sha256OfFile(config, &cancel);
    SA_TRY(const Json implied, readConfig(model.path));
    return sha256Of(json::dumpPretty(implied));
}

Result<std::string> modelFingerprint(const ModelFolder& model, const CancelToken& cancel)
{
    Sha256 digest;
    SA_TRY(const std::string config, configDigest(model, cancel));
    digest.update(config);
    const auto files = model.store.files();
    const std::uint64_t samples = std::max<std::size_t>(2, kSamples / std::max<std::size_t>(1, files.size()));
    for (const std::string& path : files) {
        SA_CHECK(cancel.check());
        SA_TRY(const File file, File::open(path));
        digest.update("\n" + nameOf(path) + "\n" + std::to_string(file.sizeBytes()) + "\n");
        std::array<std::byte, kSampleBytes> buffer;
        const std::span piece(buffer.data(), std::min(kSampleBytes, file.sizeBytes()));
        for (std::uint64_t i = 0; i < samples; ++i) { // the first at the start, the last at the end
            SA_CHECK(file.readAt((file.sizeBytes() - piece.size()) / (samples - 1) * i, piece));
            digest.update(piece);
        }
    }
    return digest.hex();
}

Result<Json> hashSource(const ModelFolder& model, const JobContext& context)
{
    const auto files = model.store.files();
    ProgressMeter meter(context.emit, "hash", "files", static_cast<double>(files.size()));
    std::vector<std::optional<Result<std::string>>> digests(files.size());
    std::mutex oneAtATime;
    std::size_t hashed = 0;
    meter.update(0);
    parallelFor(static_cast<std::int64_t>(files.size()), [&](std::int64_t i) {
        const auto file = static_cast<std::size_t>(i);
        digests[file].emplace(sha256OfFile(files[file], &context.cancel));
        const std::lock_guard lock(oneAtATime);
        meter.update(static_cast<double>(++hashed), nameOf(files[file]));
    });
    Json weights = Json::object();
    for (std::size_t i = 0; i < files.size(); ++i) {
        SA_TRY(const std::string digest, std::move(*digests[i]));
        weights[nameOf(files[i])] = digest;
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
