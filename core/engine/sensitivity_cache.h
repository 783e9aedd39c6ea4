// SPDX-License-Identifier: GPL-3.0-or-later
// Sensitivities on disk, by content: a folder for each combination of weights, calibration, settings and version of the
// algorithm, in it a file for each layer, written whenever more is known of it, and the whole once it is complete.
// Files carry a digest of themselves; one that is damaged or unreadable counts as absent.
#pragma once

#include "core/alloc/sensitivity.h"
#include "core/base/result.h"

#include <optional>
#include <string>
#include <vector>

namespace sa
{

/// Members of an analysis' settings, and of a quantize job's recipe, that decide how a layer becomes planes.
inline constexpr const char* kQuantizerSettings[] = {"mode",    "rounds", "apot",         "group_rows", "damping",
                                                     "rescale", "rotate", "weighted_fit", "refinements"};

class SensitivityCache
{
public:
    static constexpr const char* kDescription = "analysis.json"; ///< in the folder: the identity
    static constexpr const char* kWhole = "sensitivity.json";

    /// Of the analysis that `identity` describes in full. Makes the folder. An error when that fails: then the job
    /// goes on without.
    static Result<SensitivityCache> open(const Json& identity);

    const std::string& folder() const { return m_folder; }
    std::string wholePath() const; ///< of the complete sensitivity

    /// The same without making anything; nothing where there is none.
    static std::optional<SensitivityCache> find(const Json& identity);
    /// All that there are, by folder name.
    static std::vector<SensitivityCache> all();

    /// An empty object when it cannot be read.
    Json identity() const;

    /// Nothing when it is not there, damaged, or of another layer.
    std::optional<LinearSensitivity> read(std::size_t linear, const std::string& name) const;
    Result<void> write(std::size_t linear, const LinearSensitivity& sensitivity) const;

private:
    explicit SensitivityCache(std::string folder)
        : m_folder(std::move(folder))
    {
    }
    std::string pathOf(std::size_t linear) const;
    std::string m_folder;
};

} // namespace sa
