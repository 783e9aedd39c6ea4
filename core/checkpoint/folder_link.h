// SPDX-License-Identifier: GPL-3.0-or-later
// Where the entries of a model folder really lie. Hub caches consist of links to ../../blobs, so links are followed;
// but a downloaded folder may also carry a link to a private file, which must not end up in an export unnoticed.
#pragma once

#include <string>

namespace sa
{

enum class LinkTarget {
    Inside,  ///< no link, or one that stays in the folder
    HubBlob, ///< in the blobs of a hub cache: .../snapshots/REV/NAME -> ../../blobs/*, or .../models--*/blobs/*
    Outside, ///< anywhere else
    Broken,  ///< leads nowhere, or in a circle
};

/// `target` (may be null) receives the resolved path where there is one.
LinkTarget linkTarget(const std::string& folder, const std::string& fileName, std::string* target = nullptr);

} // namespace sa
