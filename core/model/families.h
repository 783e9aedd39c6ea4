// SPDX-License-Identifier: GPL-3.0-or-later
// The families that the decoder can run: what their config.json calls things, and the table it turns into.
#pragma once

#include "core/model/config.h"

#include <span>

namespace sa
{

struct Family {
    std::string_view architecture; ///< in "architectures"
    std::string_view modelType;    ///< "model_type", for folders that name no architecture
    /// Fills in all that is particular. Before it `architecture` is set, after it the common checks are made.
    Result<void> (*read)(const JsonField& config, ModelConfig& out);
};

std::span<const Family> families();
std::string familyNames(); ///< "LlamaForCausalLM, MistralForCausalLM, ..."

/// What LLaMA's checkpoints call their tensors, and those of every family with its layout.
inline constexpr TensorNames kLlamaNames{
    .embedding = "model.embed_tokens",
    .finalNorm = "model.norm",
    .block = "model.layers",
    .attentionNorm = "input_layernorm",
    .mlpNorm = "post_attention_layernorm",
    .linears = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "", "self_attn.o_proj", "mlp.gate_proj",
                "mlp.up_proj", "mlp.down_proj"},
};

Result<void> readLlama(const JsonField& config, ModelConfig& out);
Result<void> readMistral(const JsonField& config, ModelConfig& out);
Result<void> readQwen2(const JsonField& config, ModelConfig& out);
Result<void> readQwen3(const JsonField& config, ModelConfig& out);
Result<void> readGemma(const JsonField& config, ModelConfig& out);
Result<void> readGemma2(const JsonField& config, ModelConfig& out);
Result<void> readGemma3(const JsonField& config, ModelConfig& out);
Result<void> readOpt(const JsonField& config, ModelConfig& out);
Result<void> readBloom(const JsonField& config, ModelConfig& out);

} // namespace sa
