#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes docs/performance.md and docs/images/performance-*.svg from the measurements in docs/performance.

    tests/bench/performance_page.py            write the page and its plots again
    tests/bench/performance_page.py --check    say what differs from the measurements, and fail if anything does

A file of measurements is called YYYY-MM-DD-what.jsonl and holds the last lines of `--json` commands on one machine and day:

    shiftadd bench --shape 28672,8192 --bits 2,3,4 --device cuda:0 --json | tail -n 1 >> docs/performance/2026-11-22-h100-products.jsonl
    shiftadd bench --config llama-2-7b/config.json --device cuda:0 --json | tail -n 1 >> docs/performance/2026-11-22-h100-decode.jsonl
    shiftadd bench-latency PACKED --against DENSE --json | tail -n 1 >> docs/performance/2026-11-22-xeon-1b.jsonl

A line {"title": ..., "machine": ..., "note": ...} may say what the results do not: the processor, what else ran. New measurements
are new files.
"""
import dataclasses
import json
import pathlib
import re
import sys

import performance_plots
from performance_plots import model_name, spread

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE, MEASUREMENTS, IMAGES = "docs/performance.md", "docs/performance", "docs/images"

HEAD = """# Performance

Every number is the median of repeated measurements in one process, beside what bounds it in the same process. The files in
[performance](performance) are what the commands below printed; `tests/bench/performance_page.py` makes this page and its plots of
them, and says how to add a measurement. Of a case measured several times the plots show the newest, the tables all.
"""

MODELS = """
## Whole models

Decoded one token at a time, greedily, behind so many tokens of cache: `us a token` with steps one behind the other, `in a loop` with
the processor taking each token before it asks for the next. Weights are random, made on the device; of the float16 model
everything but the linears is the same. `of ceiling` counts packed planes (float16: weights) alone, `all` the dense weights too
that a token reads, most of them the float16 head.

![Tokens a second and share of the read ceiling of whole models](images/performance-decode.svg)
"""

PRODUCTS = """
## Products on a card

The packed product on random weights, one token unless said. Matrices rotate through more memory than the caches hold, and each
case was first compared with float64 (`error`: relative, in norm). `of ceiling` is packed bytes a second over the fastest plain
read of memory in the same run, `of read` the time of a read of the same bytes in one launch over the product's, `dense` the
time of the dense product over ours. Scales are quoted apart.

![Share of the read ceiling by shape and bits](images/performance-ceiling.svg)

![Speed beside cuBLAS float16 by shape and bits](images/performance-dense.svg)
"""

PROCESSOR = """
## On the processor

The same columns as on a card; the plain reads have as many threads as the product.

![Packed planes a second and speed beside BLAS by shape and threads](images/performance-cpu.svg)
"""


@dataclasses.dataclass
class Run:
    """One file of measurements: results of one machine and day."""
    date: str
    title: str = ""
    machine: str = ""
    note: str = ""
    results: list = dataclasses.field(default_factory=list)


def read_run(path):
    date = re.match(r"\d{4}-\d{2}-\d{2}(?=-)", path.name)
    if not date:
        raise SystemExit(f"{path}: the name of a file of measurements begins with its date, such as 2026-11-22-{path.name}")
    run = Run(date[0])
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            line = json.loads(text)
            if "result" in line:
                run.results.append(line["result"])
            else:
                run.title, run.machine, run.note = (line.get(name, "") for name in ("title", "machine", "note"))
        except (ValueError, AttributeError) as error:
            raise SystemExit(f"{path}:{number}: no line of JSON as `shiftadd --json` prints it: {error}")
    if not run.results:
        raise SystemExit(f"{path}: no line with a result")
    return run


def shown(value, form):
    return "-" if value is None else format(value, form)


def heading(run, title):
    return f"\n### {run.machine or run.results[0]['device']}, {run.title or title}, {run.date}\n"


def machine_line(run):
    clocks = [result["clock_mhz"] for result in run.results if result.get("clock_mhz")]
    reads = f"Reads {spread([result['read_ceiling'] / 1e9 for result in run.results], '.0f')} GB/s"
    dense = sorted({result["dense"] for result in run.results if "dense" in result})
    parts = [reads + (f" at up to {spread(clocks, 'g')} MHz" if clocks else "")]
    parts += [f"dense: {', '.join(dense)}"] if dense else []
    parts.append(f"{spread([result['repeats'] for result in run.results], 'd')} repeats")
    return "; ".join(parts) + "." + (f" {run.note}" if run.note else "") + "\n"


def unique(values):
    return list(dict.fromkeys(values))


def device_options(result):
    threads = re.search(r"(\d+) threads?$", result["device"])
    return ["--threads", threads[1]] if threads else ["--device", "cuda:0"]


def commands(run, words_of):
    return "\n" + "".join(f"{line}\n" for line in unique(f"    shiftadd {' '.join(map(str, words_of(result)))}" for result in run.results))


def shapes_command(result):
    rows = result["shapes"]
    tokens = unique(row["tokens"] for row in rows)
    words = ["bench"] + [word for shape in unique(f"{row['rows']},{row['columns']}" for row in rows) for word in ("--shape", shape)]
    words += ["--bits", ",".join(str(bits) for bits in unique(row["bits"] for row in rows)), "--geometry", result["geometry"]]
    words += ["--tokens", tokens[0]] if tokens != [1] else []
    words += ["--cpu-precision", "fast"] if any(row["path"] == "14-bit tables" for row in rows) else []
    return words + ["--repeats", result["repeats"]] + device_options(result)


def models_command(result):
    random = result["model"].endswith("config.json")
    bits = [row["name"].split()[0] for row in result["models"] if row["name"].endswith("planes")]
    words = ["bench"] + (["--config", result["model"], "--bits", ",".join(bits), "--geometry", result["geometry"]] if random else ["MODEL"])
    return words + ["--context", result["context"], "--decode", result["decode"], "--repeats", result["repeats"]] + device_options(result)


def latency_command(result):
    first, *others = (model["model"] for model in result["models"])
    lengths = ",".join(str(length["prompt_tokens"]) for length in result["models"][0]["lengths"])
    return (["bench-latency", first] + [word for model in others for word in ("--against", model)]
            + ["--lengths", lengths, "--decode", result["decode_tokens"], "--repeats", result["repeats"], "--threads", result["threads"]])


def shapes_table(run):
    out = [heading(run, "products"), machine_line(run),
           "| rows x columns | mode | bits | tokens | planes MB | scales MB | error | us | min..max | GB/s | of ceiling | of read | dense | path |",
           "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|"]
    for result in run.results:
        for row in result["shapes"]:
            product = row["product"]
            dense = f"{row['times_dense']:.2f}x" if row["times_dense"] else "-"
            out.append(f"| {row['rows']} x {row['columns']} | {result['geometry']} | {row['bits']} | {row['tokens']} "
                       f"| {row['packed_bytes'] / 1e6:.1f} | {row['scale_bytes'] / 1e6:.2f} | {row['relative_error']:.0e} "
                       f"| {product['median_us']:.2f} | {product['min_us']:.2f}..{product['max_us']:.2f} "
                       f"| {row['bytes_per_second'] / 1e9:.1f} | {row['of_ceiling']:.2f} | {row['of_read']:.2f} | {dense} | {row['path']} |")
    return "\n".join(out) + "\n" + commands(run, shapes_command)


def models_table(run):
    out = [heading(run, "whole models"), machine_line(run),
           "| model | mode | weights | tokens | packed MB | dense MB | us a token | min..max | tokens/s | in a loop | of ceiling | all | GB on the device |",
           "|---|---|---|---|---|---|---|---|---|---|---|---|---|"]
    for result in run.results:
        for row in result["models"]:
            token = row["token"] or {}
            times = f"{token['min_us']:.0f}..{token['max_us']:.0f}" if token else "-"
            mode = result["geometry"] if row["plane_bytes"] else "-"
            out.append(f"| {model_name(result)} | {mode} | {row['name']} | {result['decode']} after {result['context']} "
                       f"| {row['plane_bytes'] / 1e6:.0f} | {row['dense_bytes'] / 1e6:.0f} | {shown(token.get('median_us'), '.0f')} | {times} "
                       f"| {shown(row['tokens_per_second'], '.0f')} | {shown(row['loop_tokens_per_second'], '.0f')} "
                       f"| {shown(row['of_ceiling'], '.2f')} | {shown(row['all_of_ceiling'], '.2f')} "
                       f"| {shown(row['device_bytes'] and row['device_bytes'] / 1e9, '.1f')} |")
    return "\n".join(out) + "\n" + commands(run, models_command)


def latency_table(run):
    out = [heading(run, "whole models in turns"), (run.note + "\n") if run.note else "",
           "| model | MB of linear layers | tokens of prompt | ms a token | min..max | tokens/s | prefill, ms | threads |", "|---|---|---|---|---|---|---|---|"]
    factors = []
    for result in run.results:
        medians, least = [], []
        for model in result["models"]:
            for length in model["lengths"]:
                decode = {name: length["decode_seconds_per_token"][name] * 1e3 for name in ("median", "min", "max")}
                out.append(f"| {model['model']} | {model['memory']['linear_bytes'] / 1e6:.0f} | {length['prompt_tokens']} | {decode['median']:.1f} "
                           f"| {decode['min']:.1f}..{decode['max']:.1f} | {1e3 / decode['median']:.1f} "
                           f"| {length['prefill_seconds']['median'] * 1e3:.0f} | {result['threads']} |")
            medians.append(decode["median"])
            least.append(decode["min"])
        if len(medians) == 2:
            factors.append(f"{medians[1] / medians[0]:.1f} times as fast by the medians, {least[1] / least[0]:.1f} times by the least.")
    return "\n".join(out + [""] + factors) + "\n" + commands(run, latency_command)


def kind_of(run):
    result = run.results[0]
    if "shapes" in result:
        return "processor products" if result["device"].startswith("cpu") else "card products"
    return "processor models" if "lengths" in result["models"][0] else "models"


def documents(runs):
    """Path below the root to text: the page and its plots."""
    tables = {"models": models_table, "card products": shapes_table, "processor products": shapes_table, "processor models": latency_table}
    page = HEAD
    newest_first = sorted(runs, key=lambda run: run.date, reverse=True)
    for text, kinds in ((MODELS, ["models"]), (PRODUCTS, ["card products"]), (PROCESSOR, ["processor products", "processor models"])):
        page += text + "".join(tables[kind](run) for kind in kinds for run in newest_first if kind_of(run) == kind)
    plots = {f"{IMAGES}/performance-{name}.svg": plot(runs) for name, plot in performance_plots.PLOTS.items()}
    return {PAGE: page} | plots


def main(arguments):
    if arguments not in ([], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    runs = [read_run(path) for path in sorted((ROOT / MEASUREMENTS).glob("*.jsonl"))]
    stale = []
    for name, text in documents(runs).items():
        path = ROOT / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not arguments:
                path.write_text(text, encoding="utf-8")
    for name in stale:
        print(f"{name}: {'differs from the measurements' if arguments else 'written'}")
    return 1 if arguments and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
