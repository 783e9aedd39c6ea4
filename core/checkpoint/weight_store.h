// SPDX-License-Identifier: GPL-3.0-or-later
// All tensors of a Hugging Face folder: one model.safetensors, or the shards of model.safetensors.index.json.
// Opening reads headers only.
#pragma once

#include "core/checkpoint/safetensors.h"

#include <functional>
#include <memory>

namespace sa
{

class WeightStore
{
public:
    /// `model.safetensors.index.json` is trusted where it exists: shard names are plain file names inside the folder
    /// (links are followed: hub caches consist of them), every mapped tensor is in the shard it is mapped to, and no
    /// two shards hold the same name. Without an index: `model.safetensors`. Only `.bin` files: Unsupported, says how
    /// to convert. A git-lfs pointer in place of weights is recognised and named.
    static Result<WeightStore> open(const std::string& folder);

    const std::string& folder() const { return m_folder; }
    bool contains(const std::string& name) const { return m_index.count(name) != 0; }
    /// NotFound naming the tensor and the folder.
    Result<const TensorInfo*> find(const std::string& name) const;
    std::vector<std::string> names() const; ///< sorted
    Result<void> read(const std::string& name, std::span<std::byte> out) const;
    /// The tensor in pieces of at most 4 MiB (whole elements), in order; stops at the first error, its own or the
    /// sink's.
    using PieceSink = std::function<Result<void>(std::uint64_t begin, std::span<const std::byte> piece)>;
    Result<void> readPieces(const std::string& name, const PieceSink& sink) const;
    /// Full path of the file that holds the tensor; empty when there is no such tensor.
    std::string fileOf(const std::string& name) const;
    std::uint64_t totalBytes() const { return m_totalBytes; }               ///< of all weight files
    std::vector<std::string> files() const;                                 ///< full paths of the weight files, sorted
    const std::vector<std::string>& warnings() const { return m_warnings; } ///< stray .safetensors files, and the like

private:
    friend class WeightStoreOpener;
    std::string m_folder;
    std::vector<std::shared_ptr<const SafetensorsFile>> m_files;
    std::map<std::string, std::size_t> m_index; ///< tensor -> file
    std::uint64_t m_totalBytes = 0;
    std::vector<std::string> m_warnings;
};

} // namespace sa
