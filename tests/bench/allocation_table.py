#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures mixed plans against uniform ones and against the paper's sort-and-cut, for the table of docs/results.md.

    allocation_table.py run SHIFTADD ROWS.jsonl --models DIR --text FILE --calibration FILE [--only MODEL ...]
    allocation_table.py table ROWS.jsonl

Each model is analyzed once; then uniform plans of 2 and 3 bits and, at 2.2, 2.5 and 2.75 stored bits a weight, the
optimal plan and sort-and-cut's are quantized, exported and scored. `run` appends a JSON line for each case that the file
does not have yet, so that it can be stopped and repeated; `table` prints Markdown. Perplexity: text joined as the
literature does, windows of 512, all of them unless --windows says less. "Uniform, interpolated" is the straight line in
(stored bytes, log perplexity) between the uniform plans.
"""
import argparse
import json
import math
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

TARGETS = (2.2, 2.5, 2.75)
RULES = ("optimal", "sort-and-cut")
UNIFORM = (2, 3)


class Runner:
    def __init__(self, options):
        self.options = options
        self.lock = threading.Lock()
        path = pathlib.Path(options.rows)
        self.known = {key(row) for row in read_rows(path)} if path.exists() else set()
        self.scratch = tempfile.TemporaryDirectory()
        self.sensitivities = pathlib.Path(options.keep or self.scratch.name)
        self.sensitivities.mkdir(parents=True, exist_ok=True)

    def shiftadd(self, *arguments):
        environment = {**os.environ, "SHIFTADD_CACHE": str(self.sensitivities / "cache")}
        done = subprocess.run([self.options.shiftadd, *map(str, arguments), "--json"], capture_output=True, text=True,
                              env=environment, check=False)
        last = (done.stdout.strip().splitlines() or ["{}"])[-1]
        answer = json.loads(last)
        if "result" not in answer:
            raise RuntimeError(f"{' '.join(map(str, arguments))}: {last} {done.stderr[-500:]}")
        return answer["result"]

    def quantizer(self):
        options = self.options
        return ["--mode", options.mode, "--calibration", options.calibration, "--samples", options.samples, "--seqlen",
                512, "--threads", options.threads, *shlex.split(options.quantizer)]

    def perplexity(self, model):
        options = self.options
        windows = ["--windows", options.windows] if options.windows else []
        threads = ["--threads", options.threads] if options.device == "cpu" else []
        return self.shiftadd("eval", model, "--ppl", options.text, "--join", "raw", "--seqlen", 512, "--device",
                             options.device, *windows, *threads)["perplexity"]

    def sensitivity(self, model):
        return self.sensitivities / f"{model}.sensitivity.json"

    def analyze(self, model):
        start = time.monotonic()
        result = self.shiftadd("analyze", self.folder(model), "--out", self.sensitivity(model), "--downstream",
                               self.options.downstream, "--downstream-samples", self.options.downstream_samples,
                               *self.quantizer())
        return {"seconds": time.monotonic() - start, "failed": result["failed"], "cached": result["cached"],
                "forward_passes": result["forward_passes"], "tokens": result["tokens"]}

    def folder(self, model):
        return pathlib.Path(self.options.models) / model

    def quantized(self, model, place, arguments):
        """Quantizes, exports and scores; a plan's prediction comes along."""
        out, dense = pathlib.Path(place) / "out", pathlib.Path(place) / "dense"
        start = time.monotonic()
        result = self.shiftadd("quantize", self.folder(model), out, *arguments, *self.quantizer())
        row = {"seconds": time.monotonic() - start, "bits_per_weight": result["bits_per_weight"],
               "bytes": sum(layer["bytes"] for layer in result["layers"])}
        if result.get("prediction"):
            row["kendall_tau"] = result["prediction"]["kendall_tau"]
        self.shiftadd("export", out, dense, "--format", "hf-fp16")
        row["perplexity"] = self.perplexity(dense)
        return row

    def measure(self, model, name, target):
        if name == "original":
            return {"perplexity": self.perplexity(self.folder(model))}
        if name == "analyze":
            return self.analyze(model)
        with tempfile.TemporaryDirectory(dir=self.scratch.name) as place:
            if name == "uniform":
                return self.quantized(model, place, ["--bits", target])
            plan = pathlib.Path(place) / "plan.json"
            allocated = self.shiftadd("allocate", self.sensitivity(model), "--bits", target, "--rule", name, "--out",
                                      plan, *self.options.allocate)
            row = self.quantized(model, place, ["--plan", plan])
            widths = list(json.loads(plan.read_text())["layers"].values())
            return {**row, "predicted": allocated.get("cost"),
                    "widths": {str(width): widths.count(width) for width in sorted(set(widths))}}

    def attempt(self, case):
        row = dict(zip(("model", "case", "target"), case))
        if key(row) in self.known and not (case[1] == "analyze" and not self.sensitivity(case[0]).exists()):
            return True
        try:
            row.update(self.measure(*case))
        except (RuntimeError, ValueError, OSError) as error:
            print(f"{case}: {error}", file=sys.stderr, flush=True)
            return False
        with self.lock:
            with open(self.options.rows, "a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")
            print(row, flush=True)
        return True


def key(row):
    return row["model"], row["case"], row["target"]


def read_rows(path):
    return [json.loads(line) for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines()]


def run(options):
    runner = Runner(options)
    models = sorted(path.name for path in pathlib.Path(options.models).iterdir() if (path / "config.json").exists())
    models = [model for model in models if not options.only or model in options.only]
    started = time.monotonic()
    failed = []

    def attempt(case):
        if options.seconds and time.monotonic() - started > options.seconds:
            failed.append(case)
        elif not runner.attempt(case):
            failed.append(case)

    with ThreadPoolExecutor(options.jobs) as pool:
        # Plans wait for their model's analysis, so the analyses go first; the rest fills the gaps.
        analyses = {model: pool.submit(attempt, (model, "analyze", 0)) for model in models}
        others = [(model, "uniform", bits) for model in models for bits in UNIFORM]
        others += [(model, "original", 0) for model in models]
        waiting = [pool.submit(attempt, case) for case in others]
        for model in models:
            analyses[model].result()
            waiting += [pool.submit(attempt, (model, rule, target)) for target in TARGETS for rule in RULES]
        for job in waiting:
            job.result()
    if failed:
        print(f"{len(failed)} cases are missing: {failed}", file=sys.stderr)
    return 1 if failed else 0


def interpolated(rows, model, size):
    """Perplexity of uniform plans at `size` bytes."""
    low, high = (rows[(model, "uniform", bits)] for bits in UNIFORM)
    share = (size - low["bytes"]) / (high["bytes"] - low["bytes"])
    return math.exp((1 - share) * math.log(low["perplexity"]) + share * math.log(high["perplexity"]))


def table(options):
    rows = {key(row): row for row in read_rows(options.rows)}
    models = sorted({model for model, _, _ in rows})
    print("| | " + " | ".join(models) + " | better |\n|" + "---|" * (len(models) + 2))

    def line(title, values, note=""):
        print(f"| {title} | " + " | ".join("" if v is None else f"{v:.3f}" for v in values) + f" | {note} |")

    def perplexities(name, target):
        return [rows.get((model, name, target), {}).get("perplexity") for model in models]

    line("original", perplexities("original", 0))
    for bits in UNIFORM:
        line(f"uniform, {bits} planes", perplexities("uniform", bits))
    for target in TARGETS:
        plans = [rows.get((model, "optimal", target)) for model in models]
        found = [row["perplexity"] if row else None for row in plans]
        line(f"**plan, {target} bits a weight**", found)
        uniform = [interpolated(rows, model, row["bytes"])
                   if row and all((model, "uniform", bits) in rows for bits in UNIFORM) else None
                   for model, row in zip(models, plans)]
        cut = perplexities("sort-and-cut", target)
        for title, other in (("uniform, same bytes", uniform), ("sort-and-cut", cut)):
            pairs = [(a, b) for a, b in zip(found, other) if a and b]
            line(title, other, f"plan on {sum(a < b for a, b in pairs)} of {len(pairs)}")
    taus = [row["kendall_tau"] for row in rows.values() if row.get("kendall_tau") is not None]
    if taus:
        print(f"\nKendall tau of predicted and measured errors: {min(taus):.3f} to {max(taus):.3f} in {len(taus)} runs.")
    analyses = [row for row in rows.values() if row["case"] == "analyze"]
    if analyses:
        print(f"Analysis: {', '.join(str(round(row['seconds'])) for row in analyses)} s, "
              f"{analyses[0]['forward_passes']} forward passes.")
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    runs = commands.add_parser("run")
    runs.add_argument("shiftadd")
    runs.add_argument("rows")
    for name in ("--models", "--text", "--calibration"):
        runs.add_argument(name, required=True)
    runs.add_argument("--only", nargs="*", help="names of models")
    runs.add_argument("--mode", default="lat")
    runs.add_argument("--samples", type=int, default=32, help="calibration windows, of 512 tokens")
    runs.add_argument("--downstream", default="each", choices=("each", "scaled", "none"))
    runs.add_argument("--downstream-samples", type=int, default=16)
    runs.add_argument("--allocate", nargs="*", default=[], help="more arguments of allocate")
    runs.add_argument("--quantizer", default="", help="more of the quantizer's options: --quantizer='--rotate off'")
    runs.add_argument("--windows", "--max-windows", type=int, help="of the text; all without")
    runs.add_argument("--device", default="cpu", help="for scoring")
    runs.add_argument("--keep", help="folder for the sensitivities, to be used again")
    runs.add_argument("--jobs", type=int, default=1, help="at the same time")
    runs.add_argument("--threads", type=int, default=0, help="of each")
    runs.add_argument("--seconds", type=float, help="start no case after so long")
    tables = commands.add_parser("table")
    tables.add_argument("rows")
    options = parser.parse_args()
    return run(options) if options.command == "run" else table(options)


if __name__ == "__main__":
    sys.exit(main())
