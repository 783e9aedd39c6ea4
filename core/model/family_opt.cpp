// SPDX-License-Identifier: GPL-3.0-or-later
// OPT: learned positions with an offset of 2, layer norms with bias before or (350M) after each part, embeddings that
// may be narrower than the model.
#include "core/model/config_reading.h"
#include "core/model/families.h"

namespace sa
{

namespace
{

using namespace config_reading;

constexpr TensorNames kNames{
    .embedding = "model.decoder.embed_tokens",
    .positions = "model.decoder.embed_positions",
    .projectIn = "model.decoder.project_in",
    .projectOut = "model.decoder.project_out",
    .finalNorm = "model.decoder.final_layer_norm",
    .block = "model.decoder.layers",
    .attentionNorm = "self_attn_layer_norm",
    .mlpNorm = "final_layer_norm",
    .linears = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "", "self_attn.out_proj", "", "fc1", "fc2"},
};

} // namespace

Result<void> readOpt(const JsonField& config, ModelConfig& out)
{
    out.family = "opt";
    out.names = kNames;
    SA_TRY(out.hidden, config.intAt("hidden_size", 1, kMaxDimension));
    SA_TRY(out.intermediate, config.intAt("ffn_dim", 1, kMaxDimension));
    SA_TRY(out.layers, config.intAt("num_hidden_layers", 1, kMaxLayers));
    SA_TRY(out.heads, config.intAt("num_attention_heads", 1, 65536));
    out.kvHeads = out.heads;
    SA_TRY(out.headDim, readHeadDim(config, out, "num_attention_heads"));
    SA_TRY(out.vocab, config.intAt("vocab_size", 1, kMaxDimension));
    SA_TRY(out.positions, config.intOr("max_position_embeddings", 2048, 1, kMaxDimension));
    SA_TRY(out.embeddingWidth, config.intOr("word_embed_proj_dim", out.hidden, 1, kMaxDimension));
    SA_TRY(out.tiedHead, config.boolOr("tie_word_embeddings", true));

    out.positionScheme = PositionScheme::Learned;
    out.learnedOffset = 2;
    out.norm = NormKind::Layer;
    out.normEpsilon = 1e-5;
    SA_TRY(out.normAffine, config.boolOr("layer_norm_elementwise_affine", true));
    SA_TRY(const bool before, config.boolOr("do_layer_norm_before", true));
    out.normPlacement = before ? NormPlacement::Before : NormPlacement::After;
    SA_TRY(const bool removeFinal, config.boolOr("_remove_final_layer_norm", false));
    out.finalNorm = before && !removeFinal;

    SA_TRY(out.activation,
           readActivation(config, "activation_function", "relu",
                          {Activation::Relu, Activation::Gelu, Activation::GeluTanh, Activation::Silu}));
    out.gatedMlp = false;
    SA_TRY(const bool bias, config.boolOr("enable_bias", true));
    out.queryBias = out.keyValueBias = out.outputBias = out.mlpBias = bias;
    return {};
}

} // namespace sa
