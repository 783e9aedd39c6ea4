// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/resources.h"

#include "core/base/file.h"

#include <cstdlib>
#include <filesystem>
#include <vector>

namespace sa
{

std::string resourcePath(const std::string& name)
{
    std::vector<std::string> roots;
    if (const char* own = std::getenv("SHIFTADD_RESOURCES"))
        roots.emplace_back(own);
    std::error_code failed;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", failed);
    if (!failed) {
        const auto folder = program.parent_path();
        roots.push_back((folder / "resources").string());
        roots.push_back((folder.parent_path() / "share" / "shiftadd-workbench").string());
    }
    roots.emplace_back(SA_SOURCE_RESOURCES);
    for (const auto& root : roots)
        if (const auto path = joinPath(root, name); exists(path))
            return path;
    return {};
}

std::optional<std::string> userCacheFolder()
{
    const auto variable = [](const char* name) {
        const char* value = std::getenv(name);
        return std::string(value ? value : "");
    };
    if (const std::string own = variable("SHIFTADD_CACHE"); !own.empty())
        return own == "off" ? std::nullopt : std::optional(own);
    if (const std::string cache = variable("XDG_CACHE_HOME"); cache.starts_with('/')) // relative ones are to be ignored
        return joinPath(cache, "shiftadd");
    if (const std::string home = variable("HOME"); home.starts_with('/'))
        return joinPath(joinPath(home, ".cache"), "shiftadd");
    return std::nullopt;
}

} // namespace sa
