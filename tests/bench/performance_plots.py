# SPDX-License-Identifier: GPL-3.0-or-later
"""The plots of docs/performance.md, of the same results as its tables. Of a case measured several times they show the newest."""
import pathlib
import re

from svg_chart import Cell, Column, Group, Row, Section, axis_to, chart

TONES = {1: "low", 2: "low", 3: "mid", 4: "high"}
BITS = [("low", "2 bits"), ("mid", "3 bits"), ("high", "4 bits")]

# What the kernels were designed for, on Hopper: share of the read ceiling by megabytes of planes in one launch, ...
CEILING_AIMS = {"H100": [(150, 0.92), (80, 0.86), (40, 0.81), (18, 0.70)], "H200": [(150, 0.88), (80, 0.82), (40, 0.75), (18, 0.58)]}
# ... of a read of the same bytes in one launch (from 10 MB up, below), ...
READ_AIMS = {"H100": (0.90, 0.80), "H200": (0.87, 0.78)}
# ... beside cuBLAS by bits, from 8192 x 28672 up, and at 4096 x 4096, 3 bits, ...
DENSE_AIMS = {"H100": ({2: 6.5, 3: 4.5, 4: 3.4}, 2.2), "H200": ({2: 6.0, 3: 4.2, 4: 3.2}, 2.0)}
# ... and of the ceiling in a graph of a whole model, 3 bits.
DECODE_AIMS = {"H100": {"llama-2-7b": 0.70, "llama-2-70b": 0.87}, "H200": {"llama-2-7b": 0.58, "llama-2-70b": 0.80}}
CPU_DENSE_AIM = 6.0  # beside the BLAS library, once memory is what bounds both


def aims_of(table, device):
    return next((aims for card, aims in table.items() if card in device), None)


def ceiling_aim(device, row):
    megabytes = row["packed_bytes"] / 1e6
    return next((aim for least, aim in aims_of(CEILING_AIMS, device) or [] if megabytes >= least), None)


def read_aim(device, row):
    large, small = aims_of(READ_AIMS, device) or (None, None)
    return large if row["packed_bytes"] >= 10e6 else small


def dense_aim(device, row):
    by_bits, small = aims_of(DENSE_AIMS, device) or ({}, None)
    if row["rows"] * row["columns"] >= 8192 * 28672:
        return by_bits.get(row["bits"])
    return small if (row["rows"], row["columns"], row["bits"]) == (4096, 4096, 3) else None


def model_name(result):
    path = pathlib.Path(result["model"])
    return path.parent.name if path.name == "config.json" else path.stem


def shape_name(row):
    return f"{row['rows']} × {row['columns']}"


def newest(runs, cases):
    """(section, group, case) of every measured case to (run, result, row); later runs replace earlier ones."""
    kept = {}
    for run in runs:
        for result in run.results:
            for key, row in cases(run, result):
                kept[key] = (run, result, row)
    return kept


def spread(values, form):
    low, high = format(min(values), form), format(max(values), form)
    return low if low == high else f"{low} to {high}"


def provenance(found):
    """Device, clock, reads, dates of what a section shows."""
    results = [result for _, result, _ in found]
    clocks = [result["clock_mhz"] for result in results if result.get("clock_mhz")]
    parts = [", ".join(sorted({run.machine or result["device"] for run, result, _ in found}))]
    parts += sorted({f"kernel: {row['path']}" for _, _, row in found if "path" in row})
    if clocks:
        parts.append(f"up to {spread(clocks, 'g')} MHz")
    parts.append(f"reads {spread([result['read_ceiling'] / 1e9 for result in results], '.0f')} GB/s")
    parts.append(spread([run.date for run, _, _ in found], ""))
    return " · ".join(parts)


def sections_of(kept, order, heading, row_of):
    """Sections and groups in the order of their first case under `order`."""
    sections = {}
    for key in sorted(kept, key=order):
        sections.setdefault(key[0], {}).setdefault(key[1], []).append(key)
    return [Section(heading(name), provenance([kept[key] for keys in groups.values() for key in keys]),
                    [Group(label, [row_of(key, *kept[key]) for key in keys]) for label, keys in groups.items()])
            for name, groups in sections.items()]


def largest(sections, column):
    cells = [row.cells[column] for section in sections for group in section.groups for row in group.rows]
    return max((number for cell in cells for number in (cell.value, cell.aim, cell.high, cell.bound)
                if number is not None), default=1)


def card_products(runs):
    """One-token products on CUDA devices by (device, geometry), shape, bits; `lat` first, large matrices first."""
    def cases(_, result):
        if "shapes" not in result or result["device"].startswith("cpu"):
            return
        for row in result["shapes"]:
            if row["tokens"] == 1:
                yield ((result["device"], result["geometry"]), shape_name(row), row["bits"], -row["packed_bytes"] // row["bits"],
                       -row["rows"]), row
    return newest(runs, cases)


def card_sections(kept, row_of):
    return sections_of(kept, lambda key: (key[0][0], key[0][1] != "lat", key[3], key[4], key[2]), lambda name: f"mode {name[1]}", row_of)


def ceiling_plot(runs):
    kept = card_products(runs)

    def row_of(key, run, result, row):
        return Row(f"{row['bits']} bits", TONES[row["bits"]], [Cell(row["of_ceiling"], ceiling_aim(result["device"], row)),
                                                               Cell(row["of_read"], read_aim(result["device"], row))])
    return chart("One token: how near the packed product comes to reading memory",
                 "Share of the time that is explained by the bytes of the planes. Rows × columns of the matrix; 1 is the bound.",
                 [Column("of the read ceiling (fastest plain read)", 1, 0.2), Column("of one read of the same bytes", 1, 0.2)],
                 card_sections(kept, row_of), BITS + [("aim", "aim of the design")])


def dense_plot(runs):
    kept = card_products(runs)

    def row_of(key, run, result, row):
        return Row(f"{row['bits']} bits", TONES[row["bits"]], [Cell(row["times_dense"], dense_aim(result["device"], row))])
    sections = card_sections(kept, row_of)
    return chart("One token: how many times as fast as cuBLAS in float16",
                 "Time of the dense product over ours, medians of one run. Rows × columns; the dashed line is cuBLAS.",
                 [Column("times as fast as cuBLAS float16", *axis_to(largest(sections, 0)), "{:.2f}", "{:g}x", 1)],
                 sections, BITS + [("aim", "aim of the design")])


def decode_plot(runs):
    def cases(_, result):
        if "models" not in result or not str(result.get("model", "")).endswith("config.json"):
            return
        for row in result["models"]:
            bits = re.match(r"(\d) planes", row["name"])
            if row["token"]:
                yield ((result["device"], result["geometry"]), model_name(result), int(bits[1]) if bits else 16), row

    def row_of(key, run, result, row):
        quantized = key[2] < 16
        aim = (aims_of(DECODE_AIMS, result["device"]) or {}).get(key[1]) if key[2] == 3 else None
        return Row(f"{key[2]} bits" if quantized else row["name"], TONES.get(key[2], "base"), [
            Cell(row["tokens_per_second"]), Cell(row["of_ceiling"], aim)])
    # Bars of one model are to be compared: none from before its newest run.
    newest_of = {key[:2]: run.date for key, (run, _, _) in sorted(newest(runs, cases).items(), key=lambda item: item[1][0].date)}
    kept = {key: found for key, found in newest(runs, cases).items() if found[0].date == newest_of[key[:2]]}
    size = {key[1]: max(row["plane_bytes"] + row["dense_bytes"] for other, (_, _, row) in kept.items() if other[1] == key[1])
            for key in kept}
    sections = sections_of(kept, lambda key: (key[0][0], key[0][1] != "lat", size[key[1]], key[1], key[2]),
                           lambda name: f"One GPU, mode {name[1]}", row_of)
    return chart("Whole models: one token after the other",
                 "Random weights in the model's shape, greedy. Of the ceiling: bytes of planes alone (float16: of weights).",
                 [Column("tokens a second", *axis_to(largest(sections, 0)), "{:.0f}"), Column("of the read ceiling", 1, 0.2)],
                 sections, BITS + [("base", "float16"), ("aim", "aim of the design, 3 bits")])


def cpu_plot(runs):
    def cases(run, result):
        found = re.match(r"cpu, (\w+), (\d+) thread", result.get("device", ""))
        if "shapes" not in result or not found:
            return
        for row in result["shapes"]:
            if row["tokens"] == 1:
                section = (run.machine, found[1], result["geometry"], row["bits"], row["path"])
                yield (section, shape_name(row), int(found[2]), row["packed_bytes"], -row["rows"]), row

    def row_of(key, run, result, row):
        rate, times = row["packed_bytes"] / 1e3, row["product"]
        return Row(f"{key[2]} thread{'s' * (key[2] > 1)}", "mid", [
            Cell(rate / times["median_us"], None, rate / times["max_us"], rate / times["min_us"], rate / row["read"]["median_us"]),
            Cell(row["times_dense"], CPU_DENSE_AIM)])
    kept = newest(runs, cases)
    units = {"AVX3": "AVX-512", "AVX3_DL": "AVX-512"}
    sections = sections_of(kept, lambda key: (key[0], key[3], key[4], key[2]),
                           lambda name: f"{units.get(name[1], name[1])}, {name[2]}, {name[3]} bits", row_of)
    return chart("One token on the processor",
                 "Packed planes a second, and how much longer the float32 product of the BLAS library takes (dashed: 1).",
                 [Column("GB/s of packed planes", *axis_to(largest(sections, 0)), "{:.1f}"),
                  Column("times as fast as BLAS float32", *axis_to(largest(sections, 1)), "{:.1f}", "{:g}x", 1)],
                 sections, [("mid", "packed product, median"), ("spread", "min to max"), ("bound", "plain read of the same bytes"),
                            ("aim", "aim where memory is the bound")])


PLOTS = {"ceiling": ceiling_plot, "dense": dense_plot, "decode": decode_plot, "cpu": cpu_plot}
