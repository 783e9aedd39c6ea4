// SPDX-License-Identifier: GPL-3.0-or-later
// The packed folder (docs/FORMAT.md): an ordinary Hugging Face folder whose config.json has a `quantization_config` and
// whose quantized linears are stored as NAME.planes (I32 [ceil(K/32), q, N]), NAME.scales (I16 [ceil(K/C), q,
// ceil(N/R)]) and perhaps NAME.exponents (I8 [K]) in place of NAME.weight. The output head may be one of them, or
// HEAD.codes (I8 [N, K]) and HEAD.row_scales (F32 [N]).
#pragma once

#include "core/base/cancel.h"
#include "core/base/json.h"
#include "core/base/staged_folder.h"
#include "core/checkpoint/byte_weight.h"
#include "core/checkpoint/packed_weight.h"
#include "core/checkpoint/weight_store.h"

#include <optional>

namespace sa
{

/// One entry of quantization_config.layers.
struct PackedLayerInfo {
    std::string name; ///< without ".weight": "model.layers.0.self_attn.q_proj"
    int N = 0, K = 0, q = 0, R = 0, C = 8;
    double error = 0;         ///< sweep loss (algorithm 3.3)
    double relativeError = 0; ///< ||(W-W^)X||^2 / ||WX||^2 on the calibration data
    bool rescaled = false;    ///< there are exponents, one a column
    std::optional<std::uint64_t> inputRotation = {}, outputRotation = {}; ///< seeds (kernels/rotation.h)

    /// What a packed weight's arrays say; errors are left 0.
    static PackedLayerInfo of(const std::string& name, const PackedWeight& weight);
    /// Bytes of planes, scales and exponents.
    std::uint64_t storedBytes() const
    {
        return shape().wordCount() * sizeof(std::uint32_t) + shape().scaleCount() * sizeof(kernels::PackedScale) +
               (rescaled ? static_cast<std::uint64_t>(K) : 0);
    }
    /// Without data.
    kernels::SignPlanes shape() const { return {nullptr, nullptr, N, K, q, R, C}; }
    bool sameShape(const PackedLayerInfo& other) const; ///< everything but name and errors
};

/// The entry itself, without the name.
Json toJson(const PackedLayerInfo& layer);

/// The output head where it is stored as signed bytes.
struct ByteHeadInfo {
    std::string name; ///< without ".weight": "lm_head"
    int N = 0, K = 0;
    double error = 0, relativeError = 0; ///< as of PackedLayerInfo

    std::uint64_t storedBytes() const
    {
        return static_cast<std::uint64_t>(N) * (static_cast<std::uint64_t>(K) + sizeof(float));
    }
};

/// quantization_config as a value.
struct QuantizationInfo {
    static constexpr int kVersion = 3;         ///< 2 has transforms, 3 quantized heads
    static constexpr int kVersionWithHead = 3; ///< what a folder is given that has one
    int version = 2;                           ///< the first that can say what is in the folder
    std::string mode;                          ///< "lat"
    int bits = 0;                              ///< the requested uniform width; 0: differs by layer
    Json recipe;                               ///< every option that influenced the codes; no paths, no times, no hosts
    /// {"weights_sha256": {FILE: HEX...}, "config_sha256": HEX, "tokenizer_sha256": HEX or null}
    Json source;
    Json calibration;          ///< {"sha256": [HEX...], "samples", "seqlen", "seed", "tokens"}; null: no data
    Json plan;                 ///< the plan file that the widths are from (core/alloc/plan.h); null: there was none
    std::string originalDtype; ///< of the quantized weights: "F16"
    std::uint64_t originalBytes = 0;               ///< of all original weight files
    std::map<std::string, PackedLayerInfo> layers; ///< a head made of planes is one of them
    std::optional<ByteHeadInfo> byteHead;
    std::map<std::string, std::string> files; ///< weight file -> SHA-256; PackedWriter::publish fills it

    Json toJson() const;
    /// Checks every field's type and range, geometry included (1 <= q <= 4, 1 <= R <= N, C == 1 or C % 8 == 0 ...).
    /// `version` is the caller's to check (quantizationOf).
    static Result<QuantizationInfo> parse(const JsonField& quantizationConfig);
};

/// Nothing when config.json has no quantization_config; Unsupported when it is another program's method or a newer
/// version.
Result<std::optional<QuantizationInfo>> quantizationOf(const JsonField& config);

/// Reads one layer's planes and scales into memory; checks shapes against `info`, padding bits and scale words.
Result<PackedWeight> readPacked(const WeightStore& store, const PackedLayerInfo& info);
/// The head's codes and scales; checks types and shapes, and that the scales are finite and not negative.
Result<ByteWeight> readByteHead(const WeightStore& store, const ByteHeadInfo& info);

/// Fills a packed folder beside its final name; `publish` makes it appear whole.
/// Shards: one per call of `writeShard`, named model-XXXXX-of-YYYYY.safetensors in call order.
class PackedWriter
{
public:
    /// A packed layer, a tensor with new values, or one copied as it is in the source.
    struct Tensor {
        std::string name;                           ///< packed: layer name; else full tensor name
        const PackedWeight* packed = nullptr;       ///< a layer's planes and scales in place of its weight
        const std::vector<float>* values = nullptr; ///< in place of the source's, rounded to its dtype; all finite
        const ByteWeight* bytes = nullptr;          ///< the head's codes and scales; `name` is a layer's then, too
    };
    /// BadInput when `out` is busy; NoSpace when fewer than `estimatedBytes` are free; Unsupported when the source is
    /// quantized already. Copies tokenizer, template and generation files at once, so that their troubles show before
    /// the long work. `source` must outlive the writer.
    static Result<PackedWriter> create(const std::string& out, const WeightStore& source, int shardCount,
                                       std::uint64_t estimatedBytes);
    /// The same in a stage of the caller's: one that is continued, for example.
    static Result<PackedWriter> create(StagedFolder stage, const WeightStore& source, int shardCount,
                                       std::uint64_t estimatedBytes);
    /// From now on writeShard() ends with Cancelled when it is set: large tensors take seconds to copy. To outlive the
    /// writer.
    void lookAt(const CancelToken& cancel);
    struct Shard {
        std::string file, sha256;
    };
    /// The shard is durable and final when this returns. BadInput names the tensor when a copied value is NaN or
    /// infinite. After an error the same shard may be tried again.
    Result<Shard> writeShard(const std::vector<Tensor>& tensors);
    /// The next shard lies in the stage already, as writeShard() left it in an earlier process: `shard` is what it
    /// returned, `tensors` what it was given (of new values only the name counts).
    Result<void> adoptShard(const std::vector<Tensor>& tensors, const Shard& shard);
    /// Whether the stage outlives a writer that never publishes (StagedFolder::keep).
    void keep(bool kept);
    /// Writes index.json and config.json (the source's config plus quantization_config), opens everything again,
    /// compares it with what was meant to be written (SHA-256 of each file, taken while writing), then publishes.
    /// Returns the bytes of the weight files.
    Result<std::uint64_t> publish(const QuantizationInfo& info, const CancelToken& cancel);
    /// The same for a folder without packed layers: config.json stays the source's, so that every program reads it as
    /// the ordinary model it is, and `record` (an object; the digests of the shards are added as `files`) goes into
    /// kRecordName.
    Result<std::uint64_t> publishDense(const Json& record, const CancelToken& cancel);

private:
    struct State;
    std::shared_ptr<State> m_state;
};

/// How a folder of ordinary weights came to be (docs/FORMAT.md, "Dense results").
inline constexpr const char* kRecordName = "shiftadd_record.json";

/// Opens a packed folder and checks every tensor: shapes, padding, scale words, finite values of what was left dense,
/// nothing missing, nothing extra, and the recorded SHA-256 of the weight files. {"tensors", "bytes", "layers"}.
Result<Json> verifyPacked(const std::string& folder, const CancelToken& cancel);

} // namespace sa
