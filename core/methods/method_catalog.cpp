// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/methods/method_catalog.h"

#include "core/base/file.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace sa
{

namespace
{

namespace fs = std::filesystem;

/// Metadata files of a folder and of its subfolders, sorted: the order of a directory is chance.
std::vector<std::string> metadataFiles(const std::string& folder)
{
    std::vector<std::string> out;
    std::error_code failed;
    const auto collect = [&](const fs::path& place, auto&& onFolder) {
        for (fs::directory_iterator it(place, fs::directory_options::skip_permission_denied, failed), end;
             !failed && it != end; it.increment(failed)) {
            std::error_code ignored;
            if (it->is_directory(ignored))
                onFolder(it->path());
            else if (it->path().extension() == ".json")
                out.push_back(it->path().string());
        }
        failed.clear();
    };
    collect(folder, [&](const fs::path& inner) { collect(inner, [](const fs::path&) {}); });
    std::sort(out.begin(), out.end());
    return out;
}

} // namespace

std::vector<std::string> methodFolders()
{
    std::vector<std::string> candidates;
    std::error_code failed;
    if (const auto program = fs::read_symlink("/proc/self/exe", failed); !failed) {
        candidates.push_back((program.parent_path() / "plugins").string());
        candidates.push_back((program.parent_path().parent_path() / SA_INSTALLED_PLUGINS).string());
    }
    candidates.emplace_back(SA_BUILD_PLUGINS);
    if (const char* own = std::getenv("SA_PLUGIN_PATH")) {
        const std::string list = own;
        for (std::size_t begin = 0; begin <= list.size();) {
            const std::size_t end = std::min(list.find(':', begin), list.size());
            if (end > begin)
                candidates.push_back(list.substr(begin, end - begin));
            begin = end + 1;
        }
    }
    std::vector<std::string> out;
    for (auto& candidate : candidates)
        if (isFolder(candidate) && std::find(out.begin(), out.end(), candidate) == out.end())
            out.push_back(std::move(candidate));
    return out;
}

const MethodInfo* MethodCatalog::find(const std::string& id) const
{
    const auto place = std::find_if(methods.begin(), methods.end(), [&](const MethodInfo& m) { return m.id == id; });
    return place == methods.end() ? nullptr : &*place;
}

MethodCatalog findMethods(const std::vector<std::string>& folders)
{
    MethodCatalog out;
    for (const auto& folder : folders) {
        for (const auto& file : metadataFiles(folder)) {
            auto method = readMethodInfo(file);
            if (!method) {
                out.warnings.push_back("a method was left out: " + std::move(method).error().in(file).sentence());
                continue;
            }
            if (const MethodInfo* first = out.find(method->id))
                out.warnings.push_back("a method was left out: " + display(file) + " has the id " + method->id +
                                       ", which is taken by " + display(first->file));
            else
                out.methods.push_back(*std::move(method));
        }
    }
    std::sort(out.methods.begin(), out.methods.end(), [](const MethodInfo& a, const MethodInfo& b) {
        return a.library.empty() != b.library.empty() ? a.library.empty() : a.id < b.id;
    });
    return out;
}

Result<MethodInfo> requireMethod(const MethodCatalog& catalog, const std::string& id)
{
    if (const MethodInfo* method = catalog.find(id))
        return *method;
    std::string known;
    for (const auto& method : catalog.methods)
        known += (known.empty() ? "" : ", ") + method.id;
    return makeError(Errc::Usage, "there is no such method")
        .at("method")
        .butFound("\"" + display(id, 60) + "\"")
        .wanted(known.empty() ? "a method; none was found" : known)
        .tryThis("See shiftadd methods; $SA_PLUGIN_PATH names further folders");
}

} // namespace sa
