#!/bin/bash
# The main job, start to end: colorizes photographs with the model in the repository, then fetches real photographs, trains a
# model on them, scores it, and colorizes with that one too. Usage: tools/demo.sh [OUT]   (default: demo/)
# STEPS (default 400) is how long it trains: about two minutes on two cores.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
out=${1:-demo}
steps=${STEPS:-400}
tinct=build/release/tinct
mkdir -p "$out"

say() { printf '\n== %s\n' "$*"; }

say "The model in the repository colorizes samples/"
$tinct colorize samples -o "$out/colour" --force --sheet "$out/sheet.png"

say "Real photographs out of Debian's packages"
tools/fetch-photos.sh --small "$out/photos"
if [ ! -d "$out/data" ]; then
  $tinct prepare "$out/photos" -o "$out/data" --size 288 --val-list "$out/photos/val.txt"
fi

say "The model in the repository, scored on the photographs to validate on"
$tinct eval --data "$out/data" --sheet "$out/sheet-shipped.png"

say "A model trained on the spot: $steps steps"
$tinct train --preset unet-small --data "$out/data" --out "$out/run" --resume \
  -o train.steps="$steps" -o train.validate_every="$steps" -o train.sample_every="$steps" -o train.ema=0.99 -o model.chroma_gain=1
$tinct eval --model "$out/run/best.safetensors" --data "$out/data" --sheet "$out/sheet-trained.png"
$tinct colorize samples -o "$out/colour-trained" --model "$out/run/best.safetensors" --force --quiet

say "Look at"
printf '%s\n' "$out/sheet.png (samples: grey, colorized, original)" \
  "$out/sheet-shipped.png (photographs that the model in the repository has not seen)" \
  "$out/sheet-trained.png (the same by the model trained here)" "$out/run/loss.png"
