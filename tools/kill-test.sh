#!/bin/bash
# Kills a training run with SIGKILL at N random moments, resumes it each time, and compares what it
# ends with, bit for bit, with a run that was never killed.
# Usage: tools/kill-test.sh N DATASET [SEED]      the program: $TINCT, or build/release/tinct
# Prints a line a kill; exits 0 only when all final files are equal.
set -uo pipefail

times=${1:?usage: tools/kill-test.sh N DATASET [SEED]}
data=${2:?usage: tools/kill-test.sh N DATASET [SEED]}
RANDOM=${3:-$RANDOM}
tinct=${TINCT:-$(dirname "$0")/../build/release/tinct}
folder=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null; rm -rf "$folder"' EXIT

# A small run that checkpoints often, so that many kills fall into a checkpoint. No function: $! must
# be the program itself.
train=("$tinct" train --preset unet-small --data "$data" --resume --quiet
  -o data.crop=32 -o train.batch=2 -o train.steps=40 -o train.checkpoint_every=4
  -o train.validate_every=8 -o train.validate_pictures=2 -o train.validate_size=64
  -o train.sample_every=20 -o train.samples=1 -o train.ema=0.99 -o optim.lr=1e-3
  -o schedule.name=plateau -o schedule.patience=1 -o schedule.warmup=5)

# What must be the same: the weights and the whole of the last checkpoint.
fingerprint() {
  (cd "$folder/$1" && sha256sum last.safetensors best.safetensors checkpoints/last/*)
}

milliseconds() { echo $(($(date +%s%N) / 1000000)); }

start=$(milliseconds)
"${train[@]}" --out "$folder/whole" >/dev/null || { echo "the run that is never killed fails"; exit 1; }
length=$(($(milliseconds) - start))
whole=$(fingerprint whole)
steps=$(wc -l <"$folder/whole/log.jsonl")

kills=0
while [ "$kills" -lt "$times" ]; do
  # One run is killed again and again until it ends by itself; then the next begins.
  run=run$kills
  while true; do
    "${train[@]}" --out "$folder/$run" >/dev/null 2>"$folder/errors" &
    pid=$!
    wait_ms=$((RANDOM % length))
    sleep "$((wait_ms / 1000)).$(printf '%03d' $((wait_ms % 1000)))"
    if [ "$kills" -lt "$times" ] && kill -9 "$pid" 2>/dev/null; then
      wait "$pid" 2>/dev/null
      pid=
      kills=$((kills + 1))
      echo "kill $kills after $wait_ms ms: $(readlink "$folder/$run/checkpoints/last" || echo none)"
    else
      wait "$pid"
      status=$?
      pid=
      [ "$status" -eq 0 ] || { cat "$folder/errors"; echo "FAILED: exit $status"; exit 1; }
      break
    fi
  done
  if [ "$(fingerprint "$run")" != "$whole" ]; then
    diff <(echo "$whole") <(fingerprint "$run")
    echo "FAILED: $run differs from the run that was never killed"
    exit 1
  fi
  [ "$(wc -l <"$folder/$run/log.jsonl")" = "$steps" ] || { echo "FAILED: log lines"; exit 1; }
done
echo "ok: killed $kills times, the same bits in the end"
