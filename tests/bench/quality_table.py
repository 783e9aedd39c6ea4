#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures every method on a set of models and writes the tables of docs/results.md.

    quality_table.py run SHIFTADD ROWS.jsonl --models DIR --text FILE --calibration FILE [--only NAME ...]
    quality_table.py table ROWS.jsonl

`run` appends a JSON line for each case that the file does not have yet, so that it can be stopped and repeated; `table`
prints Markdown. Perplexity: text joined as the literature does, windows of 512, all of them unless --windows says less.
"""
import argparse
import json
import math
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

OFF = ["--weighted-fit", "off", "--refinements", "0", "--drift-correction", "off", "--rescale", "off", "--rotate", "off",
       "--damping", "0.01"]


def switched(*pairs):
    """The plain sweep with some improvements on."""
    options = dict(zip(OFF[::2], OFF[1::2]))
    options.update(dict(pairs))
    return [word for pair in options.items() for word in pair]


# As few bytes as the smallest of the baselines takes: some layers get one plane.
PLANNED, PLANNED_BITS = "acc, planned", 2.035

# name -> (arguments, calibration windows, bits, on plain models, on outlier variants)
CASES = {
    "lat plain": (OFF, 32, (2, 3), True, False),
    "+ weighted fit": (switched(("--weighted-fit", "on")), 32, (2, 3), True, False),
    "+ refinement": (switched(("--refinements", "2")), 32, (2, 3), True, False),
    "+ drift correction": (switched(("--drift-correction", "on")), 32, (2, 3), True, False),
    "+ rescale": (switched(("--rescale", "on")), 32, (2, 3), True, False),
    "+ rotation": (switched(("--rotate", "on")), 32, (2, 3), True, False),
    "+ damping 0.1": (switched(("--damping", "0.1")), 32, (2, 3), True, False),
    "lat": ([], 32, (2, 3), True, True),
    "lat, no rescale": (["--rescale", "off"], 32, (2,), False, True),
    "lat, not rotated": (["--rotate", "off"], 32, (2, 3), True, True),
    "lat, 64 windows": ([], 64, (2, 3), True, False),
    "acc": (["--mode", "acc"], 64, (2, 3), True, True),
    PLANNED: (["--mode", "acc"], 64, (2,), True, False),
    "acc not rotated": (["--mode", "acc", "--rotate", "off"], 64, (2, 3), True, True),
    "rtn": (["--method", "rtn"], 64, (2,), True, False),
    "optq": (["--method", "optq"], 64, (2,), True, False),
    "optq act-order": (["--method", "optq", "--set", "act_order=true"], 64, (2,), True, False),
    "lutgemm-bcq": (["--method", "lutgemm-bcq"], 64, (2,), True, False),
    "awq": (["--method", "awq"], 64, (2,), True, False),
    "quip": (["--method", "quip"], 64, (2,), True, False),
}
OUTLIERS = "-outliers"


class Runner:
    def __init__(self, options):
        self.options = options
        self.lock = threading.Lock()
        path = pathlib.Path(options.rows)
        self.known = {key(row) for row in read_rows(path)} if path.exists() else set()
        self.scratch = tempfile.TemporaryDirectory()

    def shiftadd(self, *arguments):
        done = subprocess.run([self.options.shiftadd, *map(str, arguments), "--json"], capture_output=True, text=True)
        last = (done.stdout.strip().splitlines() or ["{}"])[-1]
        answer = json.loads(last)
        if "result" not in answer:
            raise RuntimeError(f"{' '.join(map(str, arguments))}: {last} {done.stderr[-500:]}")
        return answer["result"]

    def perplexity(self, model, device):
        windows = ["--windows", self.options.windows] if self.options.windows else []
        threads = ["--threads", self.options.threads] if device == "cpu" else []
        return self.shiftadd("eval", model, "--ppl", self.options.text, "--join", "raw", "--seqlen", 512, "--device",
                             device, *windows, *threads)["perplexity"]

    def folder(self, model):
        """The model, or its variant with outlier channels, made on first use."""
        plain = pathlib.Path(self.options.models) / model.removesuffix(OUTLIERS)
        if not model.endswith(OUTLIERS):
            return plain
        variant = pathlib.Path(self.scratch.name) / model
        with self.lock:
            if not variant.exists():
                self.shiftadd("add-outliers", plain, variant)
        return variant

    def plan(self, source, folder, calibration):
        """A plan of PLANNED_BITS by the measured sensitivities, as `quantize --plan` takes it."""
        sensitivity, plan = folder / "sensitivity.json", folder / "plan.json"
        self.shiftadd("analyze", source, "--out", sensitivity, "--mode", "acc", "--bits", "1,2,3", "--downstream",
                      "scaled", "--downstream-samples", 8, *calibration, "--cache", "off")
        self.shiftadd("allocate", sensitivity, "--bits", PLANNED_BITS, "--out", plan)
        return plan

    def measure(self, model, name, bits):
        row = {"model": model, "case": name, "bits": bits}
        if key(row) in self.known:
            return
        source = self.folder(model)
        if name == "original":
            row["perplexity"] = self.perplexity(source, self.options.device)
        else:
            arguments, samples = CASES[name][:2]
            with tempfile.TemporaryDirectory(dir=self.scratch.name) as place:
                out, dense = pathlib.Path(place) / "out", pathlib.Path(place) / "dense"
                calibration = ["--calibration", self.options.calibration, "--samples", samples, "--seqlen", 512,
                               "--threads", self.options.threads]
                width = ["--bits", bits]
                if name == PLANNED:
                    width = ["--plan", self.plan(source, pathlib.Path(place), calibration)]
                start = time.monotonic()
                result = self.shiftadd("quantize", source, out, *width, *calibration, *arguments)
                row["seconds"] = time.monotonic() - start
                row["bits_per_weight"] = result["bits_per_weight"]
                packed = "quantization_config" in json.loads((out / "config.json").read_text())
                if packed:
                    self.shiftadd("export", out, dense, "--format", "hf-fp16")
                row["perplexity"] = self.perplexity(dense if packed else out, self.options.device)
                if packed and self.options.packed:
                    row["packed"] = self.perplexity(out, "cpu")
        with self.lock:
            with open(self.options.rows, "a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            print(row, flush=True)


def key(row):
    return row["model"], row["case"], row["bits"]


def read_rows(path):
    return [json.loads(line) for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines()]


def run(options):
    runner = Runner(options)
    wanted = []
    for model in sorted(path.name for path in pathlib.Path(options.models).iterdir() if (path / "config.json").exists()):
        wanted += [(model, "original", 0), (model + OUTLIERS, "original", 0)]
        for name, (_, _, widths, plain, outliers) in CASES.items():
            wanted += [(model, name, bits) for bits in widths if plain]
            wanted += [(model + OUTLIERS, name, bits) for bits in widths if outliers and bits == 2]
    if options.only:
        wanted = [case for case in wanted if case[1] in options.only]
    wanted.sort(key=lambda case: list(CASES).index(case[1]) if case[1] in CASES else -1)
    failed = []

    def attempt(case):
        if options.seconds and time.monotonic() - started > options.seconds:
            return
        try:
            runner.measure(*case)
        except (RuntimeError, ValueError, OSError) as error:
            failed.append(case)
            print(f"{case}: {error}", file=sys.stderr, flush=True)

    started = time.monotonic()
    with ThreadPoolExecutor(options.jobs) as pool:
        list(pool.map(attempt, wanted))
    return 1 if failed else 0


def geometric_mean(values):
    return math.exp(sum(math.log(value) for value in values) / len(values)) if values else float("nan")


def table(options):
    rows = {key(row): row for row in read_rows(options.rows)}
    models = sorted({model for model, _, _ in rows if not model.endswith(OUTLIERS)})
    originals = {model: rows[(model, "original", 0)]["perplexity"]
                 for model in models + [m + OUTLIERS for m in models] if (model, "original", 0) in rows}

    def print_table(title, suffix, bits, cases):
        print(f"\n**{title}**\n\n| | " + " | ".join(models) + " | bits a weight | gap, mean | against plain |")
        print("|" + "---|" * (len(models) + 4))
        print("| original | " + " | ".join(f"{originals.get(m + suffix, math.nan):.3f}" for m in models) + " | 16 | | |")
        plain = None
        for name in cases:
            found = [rows.get((model + suffix, name, bits)) for model in models]
            if not any(found):
                continue
            cells = [f"{row['perplexity']:.3f}" if row else "" for row in found]
            gaps = [row["perplexity"] / originals[m + suffix] - 1 for m, row in zip(models, found) if row]
            mean = geometric_mean(gaps) if len(gaps) == len(models) and min(gaps) > 0 else float("nan")
            plain = mean if name == "lat plain" else plain
            width = sum(row["bits_per_weight"] for row in found if row) / sum(1 for row in found if row)
            ratio = f"{mean / plain:.2f}" if plain else ""
            print(f"| {name} | " + " | ".join(cells) + f" | {width:.2f} | {100 * mean:.2f} % | {ratio} |")

    for bits in (2, 3):
        print_table(f"{bits} bits", "", bits, CASES)
    print_table("2 bits, variants with outlier channels", OUTLIERS, 2, CASES)
    differences = [abs(row["packed"] / row["perplexity"] - 1) for row in rows.values() if "packed" in row]
    if differences:
        print(f"\nPacked against export: {len(differences)} pairs, largest difference {100 * max(differences):.4f} %.")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    runs = commands.add_parser("run")
    runs.add_argument("shiftadd")
    runs.add_argument("rows")
    for name in ("--models", "--text", "--calibration"):
        runs.add_argument(name, required=True)
    runs.add_argument("--only", nargs="*", help="names of cases")
    runs.add_argument("--windows", type=int, help="of the text; all without")
    runs.add_argument("--device", default="cpu", help="for dense models")
    runs.add_argument("--packed", action="store_true", help="evaluate packed folders through the kernels, too")
    runs.add_argument("--jobs", type=int, default=1)
    runs.add_argument("--threads", type=int, default=0)
    runs.add_argument("--seconds", type=float, help="start no case after so long")
    tables = commands.add_parser("table")
    tables.add_argument("rows")
    options = parser.parse_args()
    return run(options) if options.command == "run" else table(options)


if __name__ == "__main__":
    sys.exit(main())
