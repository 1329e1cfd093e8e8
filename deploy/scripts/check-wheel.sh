#!/usr/bin/env bash
# The wheel that is built from the sdist, installed alone, runs the demo from an empty folder.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
uv=$here/.venv-tools/bin/uv
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$uv" build --quiet --sdist --out-dir "$work/sdist" "$here"
"$uv" build --quiet --wheel --out-dir "$work/wheel" "$work"/sdist/*.tar.gz
"$uv" venv --quiet --python "$here/.venv/bin/python" "$work/venv"
"$uv" pip install --quiet --python "$work/venv/bin/python" "$work"/wheel/*.whl
mkdir "$work/empty" && cd "$work/empty"
cp -r "$here/examples/penguins" .
"$work/venv/bin/mtf" run penguins/run.yaml --inconclusive pass
"$work/venv/bin/mtf" init first
"$work/venv/bin/mtf" run first/run.yaml --inconclusive pass
"$work/venv/bin/mtf" schema run >schema.json
echo "the wheel works alone"
