#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two folders of a model's shape, for measurements of speed: random weights, and random planes in their place.

    random_model.py CONFIG.json OUT [--bits 3] [--layers N] [--head-bits 8]     writes OUT/dense (BF16) and OUT/packed (lat, bits planes)

Llama's tensor names; time depends on shapes alone. Values repeat after a few megabytes, which no measurement sees.
"""
import argparse
import json
import pathlib
import random
import shutil
import struct

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
POOL = 1 << 22


class Pool:
    """Endless bytes of 16-bit items."""

    def __init__(self, items):
        self.bytes = struct.pack(f"<{len(items)}H", *items)

    def write(self, file, count):
        while count > 0:
            file.write(self.bytes[:count])
            count -= len(self.bytes)


def write_folder(folder, config, tensors):
    folder.mkdir(parents=True)
    for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json"):
        if (ROOT / "resources/sample-model" / name).exists():
            shutil.copy(ROOT / "resources/sample-model" / name, folder / name)
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    header, at = {"__metadata__": {"format": "pt"}}, 0
    width = {"I8": 1, "BF16": 2, "I16": 2, "I32": 4, "F32": 4}
    for name, (dtype, shape, _) in tensors.items():
        size = width[dtype]
        for length in shape:
            size *= length
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(folder / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, (_, _, pool) in tensors.items():
            begin, end = header[name]["data_offsets"]
            pool.write(file, end - begin)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--bits", type=int, default=3)
    parser.add_argument("--layers", type=int)
    parser.add_argument("--head-bits", type=int, choices=(8, 16), default=16, help="of the packed folder")
    arguments = parser.parse_args()
    config = json.loads(arguments.config.read_text())
    config["num_hidden_layers"] = arguments.layers or config["num_hidden_layers"]
    hidden, inner, vocab = config["hidden_size"], config["intermediate_size"], config["vocab_size"]
    d = config.get("head_dim") or hidden // config["num_attention_heads"]
    queries, keys = config["num_attention_heads"] * d, config["num_key_value_heads"] * d
    linears = {"self_attn.q_proj": (queries, hidden), "self_attn.k_proj": (keys, hidden),
               "self_attn.v_proj": (keys, hidden), "self_attn.o_proj": (hidden, queries),
               "mlp.gate_proj": (inner, hidden), "mlp.up_proj": (inner, hidden), "mlp.down_proj": (hidden, inner)}
    draw = random.Random(0)
    weights = Pool([draw.getrandbits(1) << 15 | draw.randint(119, 122) << 7 | draw.getrandbits(7) for _ in range(POOL)])
    ones = Pool([0x3F80] * 4096)
    words = Pool([draw.getrandbits(16) for _ in range(POOL)])
    # 2^e +- 2^(e-g) +- 2^(e-g-h) with e in -9..-6, as apot.h packs it
    scales = Pool([draw.randint(31, 34) << 10 | draw.getrandbits(1) << 9 | draw.randint(1, 4) << 5
                   | draw.getrandbits(1) << 4 | draw.randint(1, 4) for _ in range(POOL // 8)])

    def around(middle):
        tensors = {"model.embed_tokens.weight": ("BF16", [vocab, hidden], weights),
                   "model.norm.weight": ("BF16", [hidden], ones)}
        if not config.get("tie_word_embeddings"):
            tensors["lm_head.weight"] = ("BF16", [vocab, hidden], weights)
        for block in range(config["num_hidden_layers"]):
            prefix = f"model.layers.{block}."
            for norm in ("input_layernorm", "post_attention_layernorm"):
                tensors[f"{prefix}{norm}.weight"] = ("BF16", [hidden], ones)
            for name, (N, K) in linears.items():
                tensors.update(middle(prefix + name, N, K))
        return tensors

    write_folder(arguments.out / "dense", config,
                 around(lambda name, N, K: {name + ".weight": ("BF16", [N, K], weights)}))
    layers, bits = {}, arguments.bits

    def packed(name, N, K):
        R = -(-N // 8)
        layers[name] = {"N": N, "K": K, "q": bits, "R": R, "C": 8, "error": 0.0, "relative_error": 0.0}
        return {name + ".planes": ("I32", [-(-K // 32), bits, N], words),
                name + ".scales": ("I16", [-(-K // 8), bits, -(-N // R)], scales)}

    tensors = around(packed)
    record = {}
    if arguments.head_bits == 8:
        tensors.pop("lm_head.weight", None)
        codes = Pool([draw.getrandbits(7) << 8 | draw.getrandbits(7) for _ in range(POOL)])
        tensors["lm_head.codes"] = ("I8", [vocab, hidden], codes)
        tensors["lm_head.row_scales"] = ("F32", [vocab], Pool([0, 0x3A80] * 2048))  # 2^-10
        record = {"head": {"name": "lm_head", "bits": 8, "N": vocab, "K": hidden, "error": 0.0, "relative_error": 0.0}}
    config["quantization_config"] = {
        "quant_method": "shiftadd", "version": 3 if record else 1, "mode": "lat", "bits": bits, "recipe": {}, "layers": layers,
        "source": {"weights_sha256": {"model.safetensors": "0" * 64}, "config_sha256": "0" * 64},
        "original_dtype": "BF16", "original_bytes": (arguments.out / "dense/model.safetensors").stat().st_size, **record}
    write_folder(arguments.out / "packed", config, tensors)


if __name__ == "__main__":
    main()
