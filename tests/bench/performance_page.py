#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes docs/performance.md from `shiftadd bench --json` results.

Measure on the machine in question, one file a run, then make the page of all of them:

    shiftadd bench --shape 28672,8192 --shape 8192,28672 --shape 4096,4096 --bits 2,3,4 --device cuda:0 --json > h100.json
    shiftadd bench --config LLAMA-2-7B/config.json --bits 3 --device cuda:0 --json > 7b.json
    tests/bench/performance_page.py 7b.json h100.json cpu.json > docs/performance.md
"""
import json
import pathlib
import sys
import time

HEAD = """# Performance

The packed product on random weights, one token unless said, beside what bounds it. Every number is the median of repeated
measurements in one process; matrices rotate through more memory than the caches hold, and each case was first compared with
float64 (`error`: relative, in norm). `of ceiling` is packed bytes a second over the fastest plain read of memory in the
same run, `of read` the time of a read of the same bytes in one launch over the product's, `dense` the time of the dense
product over ours. Scales are quoted apart. Made by `tests/bench/performance_page.py` from `shiftadd bench --json`.

Whole models are decoded one token at a time, greedily, behind so many tokens of cache: `us a token` with steps one behind the
other, `in a loop` with the processor taking each token before it asks for the next. Weights are random, made on the device; of
the float16 model everything but the linears is the same. `of ceiling` counts packed planes (float16: weights) alone, `all` the
dense weights too that a token reads, most of them the float16 head.
"""


def result_of(path):
    lines = [line for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines() if line.startswith("{")]
    last = json.loads(lines[-1])
    return last.get("result", last)


def table(result, date):
    clock = f", up to {result['clock_mhz']} MHz" if result.get("clock_mhz") else ""
    out = [f"\n## {result['device']}, `{result['geometry']}`, {date}\n",
           f"Reads {result['read_ceiling'] / 1e9:.0f} GB/s{clock}; dense: {result['dense']}; {result['repeats']} repeats.\n",
           "| rows x columns | bits | tokens | planes MB | scales MB | error | us | min..max | GB/s | of ceiling | of read | dense | path |",
           "|---|---|---|---|---|---|---|---|---|---|---|---|---|"]
    for row in result["shapes"]:
        product = row["product"]
        dense = f"{row['times_dense']:.2f}x" if row["times_dense"] else "-"
        out.append(f"| {row['rows']} x {row['columns']} | {row['bits']} | {row['tokens']} | {row['packed_bytes'] / 1e6:.1f} "
                   f"| {row['scale_bytes'] / 1e6:.2f} | {row['relative_error']:.0e} | {product['median_us']:.2f} "
                   f"| {product['min_us']:.2f}..{product['max_us']:.2f} | {row['bytes_per_second'] / 1e9:.1f} "
                   f"| {row['of_ceiling']:.2f} | {row['of_read']:.2f} | {dense} | {row['path']} |")
    return "\n".join(out)


def model_name(result):
    path = pathlib.Path(result["model"])
    return path.parent.name if path.name == "config.json" else path.stem


def models_table(result, date):
    clock = f", up to {result['clock_mhz']} MHz" if result.get("clock_mhz") else ""
    out = [f"\n## {result['device']}, decoding {model_name(result)}, `{result['geometry'] or 'dense'}`, {date}\n",
           f"Reads {result['read_ceiling'] / 1e9:.0f} GB/s{clock}; {result['decode']} tokens after {result['context']}, "
           f"{result['repeats']} repeats.\n",
           "| weights | packed MB | dense MB | us a token | min..max | tokens/s | in a loop | of ceiling | all | GB on the device |",
           "|---|---|---|---|---|---|---|---|---|---|"]

    def shown(value, form):
        return "-" if value is None else format(value, form)

    for row in result["models"]:
        token = row["token"] or {}
        spread = f"{token['min_us']:.0f}..{token['max_us']:.0f}" if token else "-"
        out.append(f"| {row['name']} | {row['plane_bytes'] / 1e6:.0f} | {row['dense_bytes'] / 1e6:.0f} "
                   f"| {shown(token.get('median_us'), '.0f')} | {spread} | {shown(row['tokens_per_second'], '.0f')} "
                   f"| {shown(row['loop_tokens_per_second'], '.0f')} | {shown(row['of_ceiling'], '.2f')} "
                   f"| {shown(row['all_of_ceiling'], '.2f')} "
                   f"| {shown(row['device_bytes'] and row['device_bytes'] / 1e9, '.1f')} |")
    return "\n".join(out)


def main():
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    print(HEAD, end="")
    for path in sys.argv[1:]:
        date = time.strftime("%Y-%m-%d", time.gmtime(pathlib.Path(path).stat().st_mtime))
        result = result_of(path)
        print(models_table(result, date) if "models" in result else table(result, date))
    return 0


if __name__ == "__main__":
    sys.exit(main())
