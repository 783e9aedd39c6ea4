// SPDX-License-Identifier: GPL-3.0-or-later
// A model folder, opened: configuration, weights (headers only) and what is packed. Nothing heavy is read.
#pragma once

#include "core/checkpoint/packed_checkpoint.h"
#include "core/checkpoint/weight_store.h"
#include "core/model/config.h"

namespace sa
{

struct ModelFolder {
    std::string path;
    ModelConfig config;
    WeightStore store;
    std::optional<QuantizationInfo> quantization; ///< set for a packed folder
    std::vector<std::string> warnings;

    /// Checks that every tensor the architecture needs is there with the right shape and a float type, and that every
    /// packed layer belongs to the architecture. NotFound/BadFormat/Unsupported name file and field or tensor.
    static Result<ModelFolder> open(const std::string& path);
    /// The same from what was read already, for who wants to know which part fails.
    static Result<ModelFolder> join(const std::string& path, ModelConfig config,
                                    std::optional<QuantizationInfo> quantization, WeightStore store);

    bool packed() const { return quantization.has_value(); }
    /// Number of weights, a tied head counted once, packed weights counted as what they stand for.
    std::int64_t parameters() const;
    const PackedLayerInfo* packedLayer(const std::string& linearName) const; ///< null: dense
    const ByteHeadInfo* byteHead() const;                                    ///< null: the head is no signed bytes
    /// The head has a form of its own, planes or bytes: beside the embedding table where the configuration ties them.
    bool quantizedHead() const { return byteHead() || packedLayer(std::string(config.names.head)); }
    std::uint64_t headBytes() const; ///< as stored; of a dense tied head those of the embeddings
    /// Tensor with the embedding table: a folder with a tied head may hold it under the head's name only.
    std::string embeddingTensor() const;
};

/// Usage-level check of folder and config.json with the sentences that people need most.
Result<Json> readConfig(const std::string& folder);

} // namespace sa
