# SPDX-License-Identifier: GPL-3.0-or-later
"""The performance page: that the committed one is what its measurements say, and how measurements become tables and plots."""
import contextlib
import copy
import io
import json
import pathlib
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

sys.dont_write_bytecode = True  # beside sources
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import performance_page as page
import performance_plots as plots
import svg_chart

TIMES = {"median_us": 40.0, "min_us": 39.0, "max_us": 41.0}
PRODUCT = {"rows": 28672, "columns": 8192, "bits": 3, "tokens": 1, "path": "one-bit", "relative_error": 4e-7, "packed_bytes": 88080384,
           "scale_bytes": 50000, "product": TIMES, "read": TIMES, "dense": TIMES, "bytes_per_second": 2.2e12, "of_ceiling": 0.71,
           "of_read": 0.75, "times_dense": 4.25}
CARD = {"device": "NVIDIA H100", "dense": "cuBLAS float16", "read_ceiling": 3.1e12, "clock_mhz": 1980, "geometry": "lat", "repeats": 15}


def card(**changes):
    return CARD | {"shapes": [copy.deepcopy(PRODUCT) | changes]}


def bars(svg, tone):
    """Lengths of the bars of a tone."""
    paths = [path.get("d") for path in xml.fromstring(svg).iter("{http://www.w3.org/2000/svg}path") if path.get("class") == tone]
    return [float(d.split("H")[1].split("q")[0]) - float(d[1:].split()[0]) for d in paths]


class Page(unittest.TestCase):
    def test_committed_page_is_what_the_measurements_say(self):
        with contextlib.redirect_stdout(io.StringIO()) as said:
            status = page.main(["--check"])
        self.assertEqual((status, said.getvalue()), (0, ""), "run tests/bench/performance_page.py")

    def test_every_table_row_has_the_columns_of_its_head(self):
        width = 0
        for line in page.documents([page.read_run(path) for path in sorted((page.ROOT / page.MEASUREMENTS).glob("*.jsonl"))])[page.PAGE].splitlines():
            width = width or line.count("|") if line.startswith("|") else 0
            self.assertEqual(line.count("|"), width, line)

    def test_commands_name_what_was_measured(self):
        self.assertEqual(" ".join(map(str, page.shapes_command(card(tokens=4)))),
                         "bench --shape 28672,8192 --bits 3 --geometry lat --tokens 4 --repeats 15 --device cuda:0")
        self.assertIn("fast", page.shapes_command(card(path="14-bit tables")))
        self.assertIn("--threads", page.shapes_command(card() | {"device": "cpu, AVX2, 2 threads"}))

    def test_a_product_without_a_dense_one_has_none_in_its_table(self):
        self.assertIn("| 0.71 | 0.75 | - | one-bit |", page.shapes_table(page.Run("2026-11-22", results=[card(times_dense=None)])))


class Files(unittest.TestCase):
    def read(self, name, text):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, name)
            path.write_text(text, encoding="utf-8")
            return page.read_run(path)

    def test_lines_become_a_run_of_their_day(self):
        run = self.read("2026-11-22-x.jsonl", '{"machine":"Xeon"}\n' + json.dumps({"result": card()}) + "\n")
        self.assertEqual((run.date, run.machine, len(run.results)), ("2026-11-22", "Xeon", 1))

    def test_wrong_files_are_refused_by_name(self):
        for name, text, words in (("x.jsonl", "{}", "begins with its date"), ("2026-11-22-x.jsonl", "{", "x.jsonl:1: no line of JSON"),
                                  ("2026-11-22-x.jsonl", "[]", "x.jsonl:1: no line of JSON"), ("2026-11-22-x.jsonl", "", "no line with a result")):
            with self.subTest(words), self.assertRaisesRegex(SystemExit, words):
                self.read(name, text)


class Plots(unittest.TestCase):
    def test_newer_measurement_replaces_the_older_one(self):
        runs = [page.Run("2026-11-22", results=[card(of_ceiling=0.5)]), page.Run("2026-11-23", results=[card(of_ceiling=0.8)])]
        svg = plots.ceiling_plot(runs)
        self.assertIn(">0.80<", svg)
        self.assertNotIn(">0.50<", svg)
        self.assertIn("2026-11-23", svg)
        self.assertNotIn("2026-11-22", svg)
        self.assertEqual(page.documents(runs)[page.PAGE].count("| 28672 x 8192 |"), 2)

    def test_length_of_a_bar_is_its_value(self):
        half, full = (bars(plots.ceiling_plot([page.Run("2026-11-22", results=[card(of_ceiling=value)])]), "mid")[0] for value in (0.4, 0.8))
        self.assertAlmostEqual(half + 2, (full + 2) / 2, delta=0.11)  # 2: the rounded end

    def test_what_was_not_measured_has_words_and_no_bar(self):
        svg = plots.dense_plot([page.Run("2026-11-22", results=[card(), card(bits=2, times_dense=None)])])
        self.assertIn("not measured", svg)
        self.assertEqual((len(bars(svg, "mid")), len(bars(svg, "low"))), (1, 0))

    def test_several_tokens_are_no_one_token_products(self):
        runs = [page.Run("2026-11-22", results=[card(), card(tokens=4, of_ceiling=0.33)])]
        self.assertNotIn(">0.33<", plots.ceiling_plot(runs))

    def test_aims_depend_on_the_bytes_of_a_launch(self):
        def aims(device, megabytes):
            row = PRODUCT | {"packed_bytes": megabytes * 1e6}
            return plots.ceiling_aim(device, row), plots.read_aim(device, row)
        self.assertEqual(aims("NVIDIA H100", 176), (0.92, 0.90))
        self.assertEqual(aims("NVIDIA H100", 6), (None, 0.80))
        self.assertEqual(aims("NVIDIA H200", 88), (0.82, 0.87))
        self.assertEqual(aims("NVIDIA A10", 88), (None, None))
        self.assertEqual(plots.dense_aim("NVIDIA H100", PRODUCT | {"rows": 4096, "columns": 4096}), 2.2)

    def test_modes_of_whole_models_stay_apart(self):
        row = {"name": "3 planes", "plane_bytes": 2e9, "dense_bytes": 3e8, "token": TIMES, "tokens_per_second": 440.0, "of_ceiling": 0.35}
        results = [CARD | {"geometry": mode, "model": "m/config.json", "models": [row | {"tokens_per_second": speed}]}
                   for mode, speed in (("lat", 440.0), ("acc", 410.0))]
        svg = plots.decode_plot([page.Run("2026-11-22", results=results)])
        for words in ("mode lat", "mode acc", ">440<", ">410<"):
            self.assertIn(words, svg)

    def test_axes_hold_their_values_with_few_round_steps(self):
        for most, expected in ((498, (500, 100)), (7.66, (8, 2)), (20.2, (25, 5)), (0.4, (0.4, 0.1)), (1, (1, 0.2)), (130, (140, 20))):
            top, step = svg_chart.axis_to(most)
            self.assertAlmostEqual(top, expected[0], msg=most)
            self.assertAlmostEqual(step, expected[1], msg=most)

    def test_processors_of_one_kind_and_their_paths_stay_apart(self):
        results = [card(path=path) | {"device": "cpu, AVX2, 2 threads"} for path in ("tables", "14-bit tables")]
        svg = plots.cpu_plot([page.Run("2026-11-22", machine=machine, results=results) for machine in ("EPYC", "Ryzen")])
        for words in ("EPYC · kernel: tables", "EPYC · kernel: 14-bit tables", "Ryzen · kernel: tables", "Ryzen · kernel: 14-bit tables"):
            self.assertIn(words, svg)
        self.assertEqual(len(bars(svg, "mid")), 8)

    def test_committed_texts_fit_into_the_card(self):
        for name in plots.PLOTS:
            root = xml.parse(page.ROOT / page.IMAGES / f"performance-{name}.svg").getroot()
            for text in root.iter("{http://www.w3.org/2000/svg}text"):
                if text.get("text-anchor") == "start":
                    kind = text.get("class")  # widths of DejaVu Sans, the widest of the fonts
                    size = 11.5 if "title" in kind else 7 if "small" in kind else 7.6
                    self.assertLess(float(text.get("x")) + size * len(text.text), svg_chart.WIDTH, text.text)

    def test_words_of_a_device_are_no_markup(self):
        svg = plots.ceiling_plot([page.Run("2026-11-22", machine="<b>&", results=[card()])])
        self.assertIn("&lt;b&gt;&amp;", svg)
        xml.fromstring(svg)


if __name__ == "__main__":
    unittest.main()
