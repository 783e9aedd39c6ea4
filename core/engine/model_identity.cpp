// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/model_identity.h"

#include "core/base/atomic_file.h"
#include "core/base/file.h"
#include "core/base/resources.h"
#include "core/base/sha256.h"
#include "core/engine/progress.h"
#include "core/eval/chunk_cache.h"

#include <filesystem>
#include <sys/stat.h>

namespace sa
{

namespace
{

constexpr std::size_t kMaxRemembered = 10'000;

/// What tells one state of a file from another without reading it; null when there is no such file.
Json stateOf(const std::string& path)
{
    struct stat info {
    };
    if (::stat(path.c_str(), &info) != 0)
        return nullptr;
    return {{"size", info.st_size},
            {"inode", info.st_ino},
            {"changed", {info.st_mtim.tv_sec, info.st_mtim.tv_nsec, info.st_ctim.tv_sec, info.st_ctim.tv_nsec}}};
}

class Digests
{
public:
    Digests()
    {
        if (const auto folder = userCacheFolder())
            m_path = joinPath(*folder, "digests.json");
        if (m_path.empty() || !exists(m_path))
            return;
        if (auto known = json::parseFile(m_path); known && known->is_object() && known->size() < kMaxRemembered)
            m_known = *std::move(known);
    }
    /// Loses what cannot be written: it is only time.
    ~Digests()
    {
        if (m_path.empty() || !m_changed)
            return;
        std::error_code failed;
        std::filesystem::create_directories(splitPath(m_path).folder, failed);
        [[maybe_unused]] const auto written = writeFileAtomic(m_path, json::dumpPretty(m_known));
    }
    Digests(const Digests&) = delete;
    Digests& operator=(const Digests&) = delete;

    Result<std::string> of(const std::string& path, const CancelToken& cancel)
    {
        std::error_code failed;
        const auto real = std::filesystem::canonical(path, failed);
        const std::string name = failed ? path : real.string();
        const Json state = stateOf(name);
        if (const auto known = m_known.find(name); known != m_known.end() && known->is_object() &&
                                                   known->value("state", Json()) == state &&
                                                   known->contains("sha256") && (*known)["sha256"].is_string())
            return (*known)["sha256"].get<std::string>();
        SA_TRY(std::string digest, sha256OfFile(path, &cancel));
        if (stateOf(name) == state) {
            m_known[name] = {{"state", state}, {"sha256", digest}};
            m_changed = true;
        }
        return digest;
    }

private:
    std::string m_path;
    Json m_known = Json::object();
    bool m_changed = false;
};

} // namespace

Result<Json> modelIdentity(const ModelFolder& model, const JobContext& context)
{
    Digests digests;
    const auto files = model.store.files();
    ProgressMeter meter(context.emit, "hash", "files", static_cast<double>(files.size()));
    const auto nameOf = [](const std::string& path) { return path.substr(path.rfind('/') + 1); };
    Json weights = Json::object(), tokenizer = Json::object();
    double done = 0;
    for (const std::string& file : files) {
        meter.update(done++, nameOf(file));
        SA_TRY(weights[nameOf(file)], digests.of(file, context.cancel));
    }
    meter.update(done);
    for (const char* name :
         {"tokenizer.json", "tokenizer.model", "original/tokenizer.model", "vocab.json", "merges.txt",
          "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "tokenizer.bin"}) {
        const std::string path = joinPath(model.path, name);
        if (exists(path)) {
            SA_TRY(tokenizer[name], digests.of(path, context.cancel));
        }
    }
    Json out{{"weights_sha256", weights}, {"tokenizer_sha256", tokenizer}};
    if (const std::string config = joinPath(model.path, "config.json"); exists(config)) {
        SA_TRY(out["config_sha256"], digests.of(config, context.cancel));
    } else {
        SA_TRY(const Json implied, readConfig(model.path));
        out["config_sha256"] = sha256Of(json::dumpPretty(implied));
    }
    return out;
}

} // namespace sa
