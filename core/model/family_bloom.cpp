// SPDX-License-Identifier: GPL-3.0-or-later
// Bloom: ALiBi, queries, keys and values fused and interleaved per head, a norm behind the embeddings, GELU (tanh
// form).
#include "core/model/config_reading.h"
#include "core/model/families.h"

namespace sa
{

namespace
{

using namespace config_reading;

constexpr TensorNames kNames{
    .embedding = "transformer.word_embeddings",
    .embeddingNorm = "transformer.word_embeddings_layernorm",
    .finalNorm = "transformer.ln_f",
    .block = "transformer.h",
    .attentionNorm = "input_layernorm",
    .mlpNorm = "post_attention_layernorm",
    .linears = {"", "", "", "self_attention.query_key_value", "self_attention.dense", "", "mlp.dense_h_to_4h",
                "mlp.dense_4h_to_h"},
};

/// Early files say n_embed, n_layer and n_head; the class's own names are hidden_size, num_hidden_layers, ...
Result<std::int64_t> readEither(const JsonField& config, const char* first, const char* second, std::int64_t max)
{
    return config.has(second) && !config.has(first) ? config.intAt(second, 1, max) : config.intAt(first, 1, max);
}

} // namespace

Result<void> readBloom(const JsonField& config, ModelConfig& out)
{
    out.family = "bloom";
    out.names = kNames;
    SA_TRY(out.hidden, readEither(config, "hidden_size", "n_embed", kMaxDimension));
    SA_TRY(out.layers, readEither(config, "n_layer", "num_hidden_layers", kMaxLayers));
    SA_TRY(out.heads, readEither(config, "n_head", "num_attention_heads", 65536));
    out.kvHeads = out.heads;
    if (out.hidden % out.heads != 0)
        return makeError(Errc::BadFormat, "the hidden size cannot be split into the heads")
            .in(config.file())
            .at("n_head")
            .butFound(std::to_string(out.heads))
            .wanted("a divisor of hidden_size = " + std::to_string(out.hidden));
    out.headDim = out.hidden / out.heads;
    out.intermediate = 4 * out.hidden;
    SA_TRY(const auto inner, config.intOr("n_inner", out.intermediate, 1, kMaxDimension));
    if (inner != out.intermediate)
        return makeError(Errc::Unsupported, "Bloom models are four times as wide inside")
            .in(config.file())
            .at("n_inner")
            .butFound(std::to_string(inner))
            .wanted("null or " + std::to_string(out.intermediate));
    SA_TRY(out.vocab, config.intAt("vocab_size", 1, kMaxDimension));
    // ALiBi has no end; this is what the model was trained on.
    SA_TRY(out.positions, config.intOr("seq_length", 2048, 1, kMaxPositions));
    SA_TRY(out.tiedHead, config.boolOr("tie_word_embeddings", true));
    SA_TRY(out.normEpsilon, config.doubleOr("layer_norm_epsilon", 1e-5, 0.0, 1.0));
    SA_TRY(out.residualFromNorm, config.boolOr("apply_residual_connection_post_layernorm", false));
    out.positionScheme = PositionScheme::Alibi;
    out.norm = NormKind::Layer;
    out.embeddingNorm = true;
    out.activation = Activation::GeluTanh;
    out.gatedMlp = false;
    out.fusedAttention = true;
    out.queryBias = out.keyValueBias = out.outputBias = out.mlpBias = true;
    return {};
}

} // namespace sa
