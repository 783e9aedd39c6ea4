// SPDX-License-Identifier: GPL-3.0-or-later
// config.json of a Hugging Face folder as the table that the one decoder runs from. A family is a function that fills
// this table in (families.h); nothing after it asks for the family's name.
#pragma once

#include "core/base/json.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sa
{

/// Rotary position embedding. Frequencies are theta^(-2i/head_dim), then scaled.
struct RopeConfig {
    enum class Scaling { None, Linear, Dynamic, Llama3, Yarn };
    double theta = 10000.0;
    Scaling scaling = Scaling::None;
    double factor = 1.0;                    ///< positions are stretched by this
    double lowFrequencyFactor = 1.0;        ///< Llama3: wavelengths above original/low are scaled by `factor`,
    double highFrequencyFactor = 4.0;       ///< below original/high left alone, between interpolated
    double originalPositions = 8192.0;      ///< context before stretching (Llama3, Dynamic, Yarn)
    double betaFast = 32.0, betaSlow = 1.0; ///< Yarn: rotations within the original context that bound the ramp
    bool roundRamp = true;                  ///< Yarn: the ramp's ends are whole dimensions
    double attentionFactor = 1.0;           ///< Yarn: cosines and sines are multiplied by this
};

enum class NormKind {
    Rms,        ///< x / rms(x) * w
    RmsPlusOne, ///< x / rms(x) * (1 + w): Gemma
    Layer       ///< (x - mean) / deviation * w + b
};
enum class NormPlacement {
    Before,   ///< h + f(norm(h))
    After,    ///< norm(h + f(h)): OPT-350M
    Sandwich, ///< h + norm'(f(norm(h))): Gemma-2
};
enum class Activation { Silu, Relu, Gelu, GeluTanh };
enum class PositionScheme {
    Rotary,
    Learned, ///< a table of vectors, added to the embeddings
    Alibi,   ///< a slope per head, added to the scores
};

/// What a linear layer of a block is for. QueryKeyValue is the three fused, interleaved per head: rows (head, q|k|v,
/// d).
enum class LinearRole { Query, Key, Value, QueryKeyValue, Output, Gate, Up, Down };
inline constexpr std::size_t kLinearRoles = 8;

/// The places of a block where linears read their input, in the order of computation; those that share one are
/// calibrated together.
enum class LinearInput { Attention, AttentionOutput, Mlp, MlpDown };
inline constexpr int kLinearInputs = 4;
LinearInput inputOf(LinearRole role);

/// Tensor names as the family's own checkpoints have them, without ".weight"; empty: the family has no such tensor.
struct TensorNames {
    std::string_view embedding = {}, positions = {}, embeddingNorm = {}, projectIn = {}, projectOut = {},
                     finalNorm = {};
    std::string_view head = "lm_head";
    std::string_view block = {}; ///< followed by the index and a dot
    /// Inside a block:
    std::string_view attentionNorm = {}, attentionPostNorm = {}, mlpNorm = {}, mlpPostNorm = {};
    std::string_view queryNorm = {}, keyNorm = {};
    std::array<std::string_view, kLinearRoles> linears = {}; ///< by role
};

struct ModelConfig {
    std::string architecture; ///< "LlamaForCausalLM"
    std::string family;       ///< "llama"
    TensorNames names;

    std::int64_t hidden = 0, intermediate = 0, layers = 0, heads = 0, kvHeads = 0, headDim = 0, vocab = 0;
    std::int64_t positions = 0;      ///< longest sequence the model was made for
    std::int64_t embeddingWidth = 0; ///< of the embedding table; projected to `hidden` where it differs (OPT)

    NormKind norm = NormKind::Rms;
    NormPlacement normPlacement = NormPlacement::Before;
    double normEpsilon = 1e-6;
    bool normAffine = true;        ///< the norms have weights
    bool finalNorm = true;         ///< a norm before the head
    bool embeddingNorm = false;    ///< Bloom: a norm after the embeddings
    bool queryKeyNorm = false;     ///< Qwen3, Gemma-3: queries and keys are normed per head, before rotation
    bool residualFromNorm = false; ///< Bloom: the residual starts behind the norm

    PositionScheme positionScheme = PositionScheme::Rotary;
    RopeConfig rope;
    std::optional<RopeConfig> localRope; ///< Gemma-3: blocks with a window have positions of their own
    std::int64_t learnedOffset = 0;      ///< OPT: position p has row p + 2

    double embeddingScale = 1.0; ///< Gemma: sqrt(hidden)
    double attentionScale = 0.0; ///< scores are q.k times this; families leave 0 for 1/sqrt(head_dim)
    std::optional<double> attentionSoftcap, headSoftcap; ///< Gemma-2: c tanh(x / c) on scores, on logits
    std::vector<std::int64_t> windows; ///< per block: keys that a query sees, itself included; 0 = all

    Activation activation = Activation::Silu;
    bool gatedMlp = true; ///< down(act(gate x) * up x); otherwise down(act(up x))
    bool fusedAttention = false;
    bool queryBias = false, keyValueBias = false, outputBias = false, mlpBias = false;

    bool tiedHead = false;
    std::vector<std::int32_t> eosIds; ///< any of them ends a generated text
    std::vector<std::string> warnings;

    /// BadFormat when an id has no embedding: the tokenizer belongs to another model.
    Result<void> checkIds(const std::vector<std::int32_t>& ids) const;
    std::int64_t windowOf(int block) const { return windows.empty() ? 0 : windows[static_cast<std::size_t>(block)]; }
    std::string blockPrefix(int block) const; ///< "model.layers.3."

    /// Errors name the field. Unsupported: another architecture, or a field that would change the result and that this
    /// decoder does not compute.
    static Result<ModelConfig> parse(const JsonField& config);
};

/// One linear layer of a decoder block: what gets quantized.
struct LinearInfo {
    std::string name;       ///< tensor name without ".weight"
    std::string projection; ///< last part of the name: "q_proj", "fc1"
    LinearRole role = LinearRole::Query;
    int block = 0;
    std::int64_t N = 0, K = 0;
    bool bias = false;
};

/// In the order of quantization (algorithm 4.1): block by block, q k v o gate up down.
std::vector<LinearInfo> linearLayers(const ModelConfig& config);
std::vector<LinearInfo> linearLayersOfBlock(const ModelConfig& config, int block);
/// Those of them that read one input, and so share a Hessian.
std::vector<LinearInfo> linearLayersReading(const ModelConfig& config, int block, LinearInput input);

/// The output head as a linear: `block` is the number of blocks, `role` means nothing.
LinearInfo headLayer(const ModelConfig& config);

/// Every tensor a dense folder of this model must hold, with its shape. With a tied head there is no head here.
struct ExpectedTensor {
    std::string name;
    std::vector<std::int64_t> shape;
};
std::vector<ExpectedTensor> expectedTensors(const ModelConfig& config);

} // namespace sa
