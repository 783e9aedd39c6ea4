// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/checkpoint/folder_link.h"

#include <algorithm>
#include <filesystem>

namespace fs = std::filesystem;

namespace sa
{

LinkTarget linkTarget(const std::string& folder, const std::string& fileName, std::string* target)
{
    std::error_code failed;
    const fs::path home = fs::canonical(folder, failed);
    if (failed)
        return LinkTarget::Broken;
    const fs::path place = fs::canonical(home / fileName, failed);
    if (failed)
        return LinkTarget::Broken;
    if (target)
        *target = place.string();
    if (std::mismatch(home.begin(), home.end(), place.begin(), place.end()).first == home.end())
        return LinkTarget::Inside;
    const fs::path blobs = place.parent_path();
    if (blobs.filename() != "blobs")
        return LinkTarget::Outside;
    const bool ownCache =
        home.parent_path().filename() == "snapshots" && blobs.parent_path() == home.parent_path().parent_path();
    const bool anyCache = blobs.parent_path().filename().string().rfind("models--", 0) == 0;
    return ownCache || anyCache ? LinkTarget::HubBlob : LinkTarget::Outside;
}

} // namespace sa
