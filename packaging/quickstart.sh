#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# From a fresh Debian 12 to the main job on a real model: installs the packages, builds, compresses the bundled model,
# compares it with the original, exports it, reads it back and lets it write; then shows the window (or a picture of it).
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n\033[1m== %s\033[0m\n' "$*"; }

step "Packages"
./packaging/install-packages.sh

step "Build"
cmake --preset release -DSA_TESTS=OFF > /dev/null
cmake --build --preset release
bin="$PWD/build/release/bin"

work="$PWD/build/quickstart"
rm -rf "$work"
mkdir -p "$work"
original=resources/sample-model
packed="$work/sample-model-lat-3bit"
text=resources/sample-text/evaluation.raw.txt
value() { python3 -c 'import json,sys; print(json.loads(sys.stdin.read().splitlines()[-1])["result"][sys.argv[1]])' "$1"; }

step "Open: what is in the model"
"$bin/shiftadd" info "$original" | head -n 12

step "Quantize: 3 sign planes with power-of-two scales (mode lat)"
"$bin/shiftadd" quantize "$original" "$packed" --mode lat --bits 3 --samples 32 --seqlen 512

step "Compare: perplexity before and after, the packed planes running directly"
before=$("$bin/shiftadd" eval "$original" --ppl "$text" --join raw --windows 40 --json | value perplexity)
after=$("$bin/shiftadd" eval "$packed" --ppl "$text" --join raw --windows 40 --json | value perplexity)

step "Export: an ordinary float16 folder for any other runtime, and the packed one checked"
"$bin/shiftadd" export "$packed" "$work/sample-model-fp16" --format hf-fp16
"$bin/shiftadd" verify "$packed"
exported=$("$bin/shiftadd" eval "$work/sample-model-fp16" --ppl "$text" --join raw --windows 40 --json | value perplexity)

step "Generate: the packed model, loaded from disk"
"$bin/shiftadd" generate "$packed" --prompt "The game was released in" --max-tokens 40 --greedy

step "Before and after"
size() { du -cb "$1"/*.safetensors | tail -n 1 | cut -f 1; }
python3 - "$(size "$original")" "$(size "$packed")" "$before" "$after" "$exported" <<'TABLE'
import sys
original, packed = (int(v) / 2**20 for v in sys.argv[1:3])
before, after, exported = map(float, sys.argv[3:])
print(f"{'':24}{'original':>12}{'packed':>12}{'fp16 export':>14}")
print(f"{'size of weights, MiB':24}{original:12.2f}{packed:12.2f}{original:14.2f}")
print(f"{'perplexity, 40 windows':24}{before:12.3f}{after:12.3f}{exported:14.3f}")
print(f"{'':24}{'':12}{100 * (after / before - 1):+11.2f}%{100 * (exported / before - 1):+13.2f}%")
TABLE

if [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    step "The window"
    exec "$bin/shiftadd-workbench" "$original"
fi
step "No display here: a picture of the window"
QT_QPA_PLATFORM=offscreen "$bin/shiftadd-workbench" --screenshot "$work" --model "$original"
ls "$work"/*.png
