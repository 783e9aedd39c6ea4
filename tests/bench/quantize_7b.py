#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times `shiftadd quantize` on a CUDA device for LLaMA-2-7B's shapes with random weights.

    quantize_7b.py make FOLDER [--layers 32]       writes the model (needs torch and safetensors; uses the GPU)
    quantize_7b.py time SHIFTADD FOLDER OUT -- ARGUMENTS OF quantize

`time` prints seconds per block by input and stage, the peaks of device and host memory, and one SHA-256 over all files
of the result. Random weights cost what trained ones do: every step depends on shapes alone but for the rounds of a fit.
"""
import argparse
import hashlib
import json
import pathlib
import shutil
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HIDDEN, INNER, HEADS, VOCAB = 4096, 11008, 32, 32000


def make(folder: pathlib.Path, layers: int) -> None:
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    for name in ("tokenizer.json", "tokenizer_config.json", "tokenizer.model", "special_tokens_map.json"):
        if (ROOT / "resources/sample-model" / name).exists():
            shutil.copy(ROOT / "resources/sample-model" / name, folder / name)
    config = {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "hidden_size": HIDDEN,
        "intermediate_size": INNER, "num_attention_heads": HEADS, "num_key_value_heads": HEADS,
        "num_hidden_layers": layers, "max_position_embeddings": 4096, "rms_norm_eps": 1e-5, "vocab_size": VOCAB,
        "tie_word_embeddings": False, "torch_dtype": "float16", "bos_token_id": 1, "eos_token_id": 2,
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    generator = torch.Generator(device="cuda").manual_seed(0)

    def normal(rows: int, columns: int, deviation: float):
        values = torch.randn(rows, columns, generator=generator, device="cuda", dtype=torch.float32)
        return (values * deviation).half().cpu()

    index, shards = {}, layers + 1

    def save(shard: int, tensors: dict) -> None:
        name = f"model-{shard + 1:05d}-of-{shards:05d}.safetensors"
        save_file({key: value.contiguous() for key, value in tensors.items()}, folder / name, metadata={"format": "pt"})
        index.update({key: name for key in tensors})

    loudness = lambda: (torch.rand(HIDDEN, generator=generator, device="cuda") * 1.5 + 0.25).half().cpu()
    save(0, {"model.embed_tokens.weight": normal(VOCAB, HIDDEN, 1.0), "model.norm.weight": loudness(),
             "lm_head.weight": normal(VOCAB, HIDDEN, 0.02)})
    for block in range(layers):
        prefix = f"model.layers.{block}."
        tensors = {prefix + f"self_attn.{part}_proj.weight": normal(HIDDEN, HIDDEN, 0.02) for part in "qkvo"}
        for part in ("gate", "up"):
            tensors[prefix + f"mlp.{part}_proj.weight"] = normal(INNER, HIDDEN, 0.02)
        tensors[prefix + "mlp.down_proj.weight"] = normal(HIDDEN, INNER, 0.02)
        tensors[prefix + "input_layernorm.weight"] = loudness()
        tensors[prefix + "post_attention_layernorm.weight"] = loudness()
        save(block + 1, tensors)
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {"total_size": 0}, "weight_map": index}, indent=1))


class Peaks(threading.Thread):
    """Watches device memory (of the whole card) and the resident memory of one process."""

    def __init__(self, pid: int):
        super().__init__(daemon=True)
        self.pid, self.device, self.host = pid, 0, 0

    def run(self) -> None:
        while True:
            try:
                used = subprocess.run(["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"],
                                      capture_output=True, text=True).stdout.split()
                self.device = max(self.device, int(used[0]))
                for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
                    if line.startswith("VmHWM"):
                        self.host = max(self.host, int(line.split()[1]) // 1024)
            except (OSError, IndexError, ValueError):
                pass
            time.sleep(0.1)


def digest(folder: pathlib.Path) -> str:
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with open(path, "rb") as file:
                total.update(path.relative_to(folder).as_posix().encode() + hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()


def measure(program: str, folder: pathlib.Path, out: pathlib.Path, arguments: list) -> None:
    if out.exists():
        shutil.rmtree(out)
    command = [program, "quantize", str(folder), str(out), "--device", "cuda:0", "--json", *arguments]
    start = time.time()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    peaks = Peaks(process.pid)
    peaks.start()
    last = {}
    for line in process.stdout:
        last = json.loads(line)
    process.wait()
    seconds = time.time() - start
    if "result" not in last:
        raise SystemExit(f"failed ({process.returncode}): {json.dumps(last)[:2000]}")
    result = last["result"]
    blocks = len({layer["block"] for layer in result["layers"]})
    stages = ["load", "read", "forward", "hessian", "factorize", "transform", "sweep", "refine", "pack", "write"]
    print(f"{' '.join(arguments)}: {seconds:.1f} s, {blocks} blocks; device {peaks.device} MiB, host {peaks.host} MiB; "
          f"{digest(out)}")
    print("ms per block    " + "".join(f"{stage:>10}" for stage in stages) + "       all")
    for place, times in sorted(result["stages"].items()):
        row = [1000 * times.get(stage, 0.0) / blocks for stage in stages]
        print(f"{place:16}" + "".join(f"{value:10.1f}" for value in row) + f"{sum(row):10.1f}")
    once = {stage: round(value, 2) for stage, value in result["stages"]["model"].items() if stage not in stages}
    print(f"once, s: {once}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    maker = verbs.add_parser("make")
    maker.add_argument("folder", type=pathlib.Path)
    maker.add_argument("--layers", type=int, default=32)
    timer = verbs.add_parser("time")
    timer.add_argument("program")
    timer.add_argument("folder", type=pathlib.Path)
    timer.add_argument("out", type=pathlib.Path)
    timer.add_argument("arguments", nargs="*")
    given = parser.parse_args()
    if given.verb == "make":
        make(given.folder, given.layers)
    else:
        measure(given.program, given.folder, given.out, given.arguments)


if __name__ == "__main__":
    main()
