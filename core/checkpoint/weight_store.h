// SPDX-License-Identifier: GPL-3.0-or-later
// All tensors of a model folder, whatever files hold them: safetensors, PyTorch checkpoints, or one of llama2.c.
// Opening reads headers only.
#pragma once

#include "core/base/file.h"
#include "core/checkpoint/tensor_file.h"

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sa
{

class WeightStore
{
public:
    /// The first of these that is there: `model.safetensors.index.json` and its shards, `model.safetensors`,
    /// `pytorch_model.bin.index.json` and its shards, `pytorch_model.bin`, and without config.json a checkpoint of
    /// llama2.c. An index is trusted: shard names are plain file names inside the folder (links are followed: hub
    /// caches consist of them), every mapped tensor is in the shard it is mapped to, and no two shards hold the same
    /// name. Weight files beside the ones in use are warnings. A git-lfs pointer in place of weights is recognised and
    /// named. Safetensors shards without their index are NotFound even where PyTorch files are complete.
    static Result<WeightStore> open(const std::string& folder);

    /// Only these safetensors shards of a folder that is not whole yet; no index is read. Internal when two hold the
    /// same name.
    static Result<WeightStore> openShards(const std::string& folder, const std::vector<std::string>& fileNames);

    /// Lets the tensors be asked for by the names of the whole model, where the file leaves a prefix out or puts one in
    /// front: folders saved from the model without its head hold "layers.0..." or "decoder.layers.0..." or "h.0...",
    /// others come from a wrapper ("module.model.layers.0..."). `anchor` is the full name of a tensor that every file
    /// of the family has: "model.embed_tokens.weight", "model.decoder.embed_tokens.weight",
    /// "transformer.word_embeddings.weight". When it is there, or under no such name, nothing changes. Otherwise every
    /// tensor gets its full name, everywhere in this class, except that tensors whose name begins with one of `outside`
    /// never get a prefix. BadFormat when two tensors would have one name.
    Result<void> useCanonicalNames(const std::string& anchor, const std::vector<std::string>& outside = {"lm_head."});

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
    const std::vector<std::string>& warnings() const { return m_warnings; } ///< stray weight files, and the like

private:
    friend class WeightStoreOpener;
    struct Place {
        std::size_t file = 0;
        const TensorInfo* stored = nullptr; ///< in that file, under the name there
        TensorInfo info = {};               ///< the same under the name here
    };
    std::string m_folder;
    std::vector<std::shared_ptr<const TensorFile>> m_files;
    std::map<std::string, Place> m_index;
    std::uint64_t m_totalBytes = 0;
    std::vector<std::string> m_warnings;
};

} // namespace sa
