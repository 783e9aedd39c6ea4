#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the folders beside this file: tiny random models of every family and of each variant that changes what is
computed, with what the reference framework (transformers) makes of them. Usage: make_families.py OUT

The configurations are spelled the way published ones are. Needs torch and transformers; the tests need neither."""
import json
import pathlib
import sys

import torch
import transformers
from safetensors.torch import save_file

LLAMA = dict(architectures=["LlamaForCausalLM"], model_type="llama", hidden_size=16, intermediate_size=24,
             num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, vocab_size=48,
             max_position_embeddings=64, rms_norm_eps=1e-5, hidden_act="silu", rope_theta=10000.0,
             tie_word_embeddings=False, bos_token_id=1, eos_token_id=2)
OPT = dict(architectures=["OPTForCausalLM"], model_type="opt", hidden_size=16, ffn_dim=32, num_hidden_layers=2,
           num_attention_heads=4, vocab_size=48, max_position_embeddings=64, word_embed_proj_dim=16,
           activation_function="relu", do_layer_norm_before=True, bos_token_id=2, eos_token_id=2, pad_token_id=1)
BLOOM = dict(architectures=["BloomForCausalLM"], model_type="bloom", hidden_size=16, n_layer=2, n_head=4, n_inner=None,
             vocab_size=48, layer_norm_epsilon=1e-5, seq_length=64, bos_token_id=1, eos_token_id=2, pad_token_id=3)
GEMMA = dict(architectures=["GemmaForCausalLM"], model_type="gemma", hidden_size=16, intermediate_size=24,
             num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=1, head_dim=8, vocab_size=48,
             max_position_embeddings=64, rms_norm_eps=1e-6, hidden_act="gelu", rope_theta=10000.0, bos_token_id=2,
             eos_token_id=1, pad_token_id=0)
GEMMA2 = GEMMA | dict(architectures=["Gemma2ForCausalLM"], model_type="gemma2", num_hidden_layers=3,
                      hidden_act="gelu_pytorch_tanh", hidden_activation="gelu_pytorch_tanh", sliding_window=8,
                      query_pre_attn_scalar=6, attn_logit_softcapping=5.0, final_logit_softcapping=3.0)
GEMMA3 = GEMMA | dict(architectures=["Gemma3ForCausalLM"], model_type="gemma3_text", num_hidden_layers=4,
                      hidden_activation="gelu_pytorch_tanh", sliding_window=8, sliding_window_pattern=3,
                      query_pre_attn_scalar=8, rope_theta=1000000.0, rope_local_base_freq=10000,
                      rope_scaling=dict(rope_type="linear", factor=8.0), attn_logit_softcapping=None,
                      final_logit_softcapping=None)
GEMMA3.pop("hidden_act")
QWEN2 = LLAMA | dict(architectures=["Qwen2ForCausalLM"], model_type="qwen2", rope_theta=1000000.0,
                     use_sliding_window=False, sliding_window=8, max_window_layers=1)
QWEN3 = LLAMA | dict(architectures=["Qwen3ForCausalLM"], model_type="qwen3", head_dim=8, attention_bias=False,
                     use_sliding_window=False, sliding_window=None, max_window_layers=2, tie_word_embeddings=True)
MISTRAL = LLAMA | dict(architectures=["MistralForCausalLM"], model_type="mistral", sliding_window=8, head_dim=8)

VARIANTS = {
    "opt-projected-post-norm": OPT | dict(word_embed_proj_dim=8, do_layer_norm_before=False),
    "opt-gelu-no-final-norm": OPT | dict(activation_function="gelu", _remove_final_layer_norm=True),
    "opt-plain-norms-no-bias": OPT | dict(enable_bias=False, layer_norm_elementwise_affine=False),
    "llama-linear": LLAMA | dict(rope_scaling=dict(type="linear", factor=4.0)),
    "llama-dynamic": LLAMA | dict(rope_scaling=dict(type="dynamic", factor=4.0), max_position_embeddings=16),
    "llama-yarn": LLAMA | dict(rope_scaling=dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=16),
                               head_dim=16),
    "llama-yarn-mscale": LLAMA | dict(
        head_dim=16, rope_theta=500.0,
        rope_scaling=dict(rope_type="yarn", factor=8.0, original_max_position_embeddings=32, beta_fast=16.0,
                          beta_slow=2.0, mscale=0.707, mscale_all_dim=1.2)),
    "llama-rope-parameters": {k: v for k, v in LLAMA.items() if k != "rope_theta"} | dict(
        rope_parameters=dict(rope_type="llama3", rope_theta=500.0, factor=8.0, low_freq_factor=1.0,
                             high_freq_factor=4.0, original_max_position_embeddings=32), head_dim=16),
    "llama-biases": LLAMA | dict(attention_bias=True, mlp_bias=True),
    "mistral-window": MISTRAL,
    "mistral-no-window": MISTRAL | dict(sliding_window=None),
    "gemma-1": GEMMA,
    "gemma-2": GEMMA2,
    "gemma-3": GEMMA3,
    "bloom-6-heads": BLOOM | dict(hidden_size=24, n_head=6),
    "bloom-residual-from-norm": BLOOM | dict(apply_residual_connection_post_layernorm=True),
    "qwen2": QWEN2,
    "qwen2-window": QWEN2 | dict(use_sliding_window=True, num_hidden_layers=3),
    "qwen3": QWEN3,
}
LENGTH, GREEDY = 40, 12


def make(name: str, config: dict, out: pathlib.Path) -> None:
    torch.manual_seed(sum(name.encode()))
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    parsed = transformers.AutoConfig.from_pretrained(folder)
    parsed._attn_implementation = "eager"
    model = getattr(transformers, config["architectures"][0])(parsed).eval()
    with torch.no_grad():
        for key, value in model.named_parameters():
            noise = torch.randn_like(value) * (0.35 if value.dim() == 2 else 0.2)
            centre = 1.0 if "norm" in key and key.endswith("weight") and "Gemma" not in config["architectures"][0] else 0.0
            value.copy_((noise + centre).half().float())
    tied = {id(p): k for k, p in model.named_parameters()}
    state = {k: p.detach().half().contiguous() for k, p in model.named_parameters() if tied[id(p)] == k}
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    ids = torch.randint(0, config["vocab_size"], (1, LENGTH))
    with torch.no_grad():
        logits = model(ids).logits[0]
        greedy, cache_ids = [], ids[:, :8]
        for _ in range(GREEDY):
            following = int(model(cache_ids, use_cache=False).logits[0, -1].argmax())
            greedy.append(following)
            cache_ids = torch.cat([cache_ids, torch.tensor([[following]])], 1)
    golden = {"ids": ids[0].tolist(), "last_logits": [round(x, 6) for x in logits[-1].tolist()],
              "logit_norms": [round(x, 5) for x in logits.norm(dim=-1).tolist()], "greedy_prompt": 8, "greedy": greedy,
              "transformers": transformers.__version__}
    (folder / "golden.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    for variant, values in VARIANTS.items():
        try:
            make(variant, values, pathlib.Path(sys.argv[1]))
        except Exception as error:  # one bad variant must not hide the others
            print(variant, type(error).__name__, error, file=sys.stderr)
