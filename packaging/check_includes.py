#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks that includes follow the arrows of the architecture; prints offenders and exits 1 if there are any.

A rule is (files it applies to, includes those files must not have, why).
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TORCH = r"^(torch|ATen|c10)/"
QT = r"^Q[A-Z]|^Qt[A-Z]"
RULES = [
    (r".", r"^\.\./", "includes are written from the project root"),
    (r"^kernels/", rf"{TORCH}|{QT}|^nlohmann/|^core/|^ui/|^app/", "kernels know nothing of the program"),
    (r"^core/", rf"{QT}|qcustomplot|^ui/|^app/", "the engine runs without Qt"),
    (r"^core/(base|bench|methods|protocol|alloc|checkpoint|tokenizer|chat)/", TORCH, "these rooms stay free of libtorch"),
    (r"^core/base/", r"^core/(?!base/)|^sa/kernels/", "base is the lowest layer"),
    (r"^core/methods/", r"^core/(?!base/|methods/)|^sa/kernels/", "methods are read, not run, there: they know only base"),
    (r"^core/api/", r"^core/|^sa/|^plugins/|^nlohmann/", "what a plugin includes stands alone"),
    (r"^core/protocol/", r"^core/(?!base/|protocol/)|^sa/kernels/", "the protocol knows only base"),
    (r"^core/alloc/", r"^core/(?!base/|alloc/)|^sa/kernels/", "the window solves too: allocation knows only base"),
    (r"^core/(bench|model|quant|eval|runtime|checkpoint|tokenizer|chat)/", r"^core/(engine|worker)/", "rooms do not know the engine"),
    (r"^core/engine/", r"^core/worker/", "the engine does not know the worker"),
    (r"^ui/", rf"{TORCH}|^sa/kernels/|^core/(?!base/|methods/|protocol/|alloc/)|^app/", "the window never loads the engine"),
    (r"^plugins/", rf"{TORCH}|{QT}|^nlohmann/|^(ui|app|kernels|core|sa)/", "plugins see the plugin interface only"),
    (r"^plugins/example/", r"^plugins/", "the example is what a stranger would write"),
    (r"^(app|core|kernels|ui)/", r"^plugins/", "methods are loaded, never linked"),
]
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]', re.M)


def main() -> int:
    bad = 0
    for path in sorted(ROOT.glob("**/*")):
        name = path.relative_to(ROOT).as_posix()
        if not re.match(r"(app|core|kernels|ui|plugins)/.*\.(h|cpp|cu|cuh)$", name):
            continue
        for include in INCLUDE.findall(path.read_text(encoding="utf-8")):
            for files, forbidden, why in RULES:
                if re.search(files, name) and re.search(forbidden, include):
                    print(f"{name}: includes {include}: {why}")
                    bad += 1
    print(f"include check: {bad} problem(s)")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
