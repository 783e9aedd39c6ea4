// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/engine/sensitivity_cache.h"

#include "core/base/atomic_file.h"
#include "core/base/file.h"
#include "core/base/resources.h"
#include "core/base/sha256.h"

#include <algorithm>
#include <filesystem>

namespace fs = std::filesystem;

namespace sa
{

namespace
{

constexpr const char* kDigest = "sha256";

/// Nothing where the system has no place for caches.
std::optional<std::string> rootFolder()
{
    const auto root = userCacheFolder();
    return root ? std::optional(joinPath(*root, "sensitivity")) : std::nullopt;
}

std::string nameOf(const Json& identity)
{
    return sha256Of(json::dump(identity)).substr(0, 32);
}

} // namespace

Result<SensitivityCache> SensitivityCache::open(const Json& identity)
{
    const auto root = rootFolder();
    if (!root)
        return makeError(Errc::NotFound, "there is no folder for caches").wanted("XDG_CACHE_HOME or HOME");
    const std::string folder = joinPath(*root, nameOf(identity));
    std::error_code failed;
    fs::create_directories(folder, failed);
    if (failed)
        return systemError(failed.value(), "create the folder", folder);
    const std::string description = joinPath(folder, kDescription);
    if (!exists(description))
        SA_CHECK(writeFileAtomic(description, json::dumpPretty(identity)));
    return SensitivityCache(folder);
}

std::optional<SensitivityCache> SensitivityCache::find(const Json& identity)
{
    const auto root = rootFolder();
    if (!root || !exists(joinPath(joinPath(*root, nameOf(identity)), kDescription)))
        return {};
    return SensitivityCache(joinPath(*root, nameOf(identity)));
}

std::vector<SensitivityCache> SensitivityCache::all()
{
    std::vector<std::string> folders;
    std::error_code failed;
    if (const auto root = rootFolder())
        for (fs::directory_iterator entry(*root, failed), end; !failed && entry != end; entry.increment(failed))
            folders.push_back(entry->path().string());
    std::sort(folders.begin(), folders.end());
    std::vector<SensitivityCache> out;
    for (std::string& folder : folders)
        out.push_back(SensitivityCache(std::move(folder)));
    return out;
}

Json SensitivityCache::identity() const
{
    auto description = json::parseFile(joinPath(m_folder, kDescription));
    return description && description->is_object() ? *std::move(description) : Json::object();
}

std::string SensitivityCache::wholePath() const
{
    return joinPath(m_folder, kWhole);
}

std::string SensitivityCache::pathOf(std::size_t linear) const
{
    std::string number = std::to_string(linear);
    number.insert(0, number.size() < 5 ? 5 - number.size() : 0, '0');
    return joinPath(m_folder, "layer-" + number + ".json");
}

std::optional<LinearSensitivity> SensitivityCache::read(std::size_t linear, const std::string& name) const
{
    const auto entry = json::parseFile(pathOf(linear));
    if (!entry || !entry->is_object() || !entry->contains("layer") || !entry->contains(kDigest) ||
        (*entry)[kDigest] != sha256Of(json::dump((*entry)["layer"])))
        return {};
    auto layer = linearSensitivityFromJson(JsonField((*entry)["layer"], pathOf(linear)));
    if (!layer || layer->name != name)
        return {};
    return *std::move(layer);
}

Result<void> SensitivityCache::write(std::size_t linear, const LinearSensitivity& sensitivity) const
{
    const Json layer = toJson(sensitivity);
    // As it will be read back: names that are not UTF-8 change in writing.
    return writeFileAtomic(pathOf(linear),
                           json::dump({{"layer", layer}, {kDigest, sha256Of(json::dump(layer))}}) + "\n");
}

} // namespace sa
