#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs the packages, builds with warnings as errors, checks the layering and runs every test. What CI runs.
set -euo pipefail
cd "$(dirname "$0")/.."
./packaging/install-packages.sh
python3 packaging/check_includes.py
cmake --preset ci "$@"
cmake --build --preset ci
ctest --preset ci -j "$(nproc)"
