// SPDX-License-Identifier: GPL-3.0-or-later
// Which quantization methods there are.
#pragma once

#include "core/methods/method_info.h"

namespace sa
{

/// Where methods are looked for, in this order: `plugins` beside the program, the installation's folder, the build
/// tree, and the folders of $SA_PLUGIN_PATH (separated by colons). Only those that exist.
std::vector<std::string> methodFolders();

struct MethodCatalog {
    std::vector<MethodInfo> methods;   ///< the built-in one first, then by id
    std::vector<std::string> warnings; ///< sentences about files that were left out

    const MethodInfo* find(const std::string& id) const;
};

/// Reads *.json in each folder and in its subfolders. Bad metadata and a second method of the same id (the first stays)
/// are warnings that name the file; nothing is fatal and no code is loaded.
MethodCatalog findMethods(const std::vector<std::string>& folders = methodFolders());

/// The method, or an error that lists what there is.
Result<MethodInfo> requireMethod(const MethodCatalog& catalog, const std::string& id);

} // namespace sa
