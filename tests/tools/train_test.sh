#!/bin/bash
# tinct train as a program: exit codes, signals, refusals, resuming after kills.
# $TINCT is the program under test.
set -uo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
tinct=${TINCT:-$here/build/release/tinct}
folder=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null; rm -rf "$folder"' EXIT
failures=0

fail() {
  echo "FAILED: $1"
  failures=$((failures + 1))
}

# expect STATUS TEXT COMMAND…: the exit status, and TEXT in what it says.
expect() {
  local status=$1 text=$2 said
  shift 2
  said=$("$@" 2>&1)
  local got=$?
  [ "$got" -eq "$status" ] || fail "exit $got, not $status: $* ($said)"
  [[ $said == *"$text"* ]] || fail "no \"$text\" in: $said"
}

# Twelve smooth colourful pictures of 160 by 160 pixels.
mkdir "$folder/photos"
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
  awk -v i="$i" 'BEGIN {
    print "P3\n160 160\n255"
    for (y = 0; y < 160; y++) for (x = 0; x < 160; x++)
      printf "%d %d %d\n", 128 + 120 * sin(x / (9 + i) + i), 128 + 120 * sin(y / (5 + 2 * i)),
        128 + 120 * cos((x + y * i) / (40 + 7 * i) + i * i)
  }' >"$folder/photos/$i.ppm"
done
data=$folder/data
"$tinct" prepare "$folder/photos" -o "$data" --quiet >/dev/null || fail "prepare"

command=("$tinct" train --preset unet-small --data "$data" -o data.crop=32 -o train.batch=2
  -o train.validate_size=64 -o train.sample_every=0)
train() { "${command[@]}" "$@"; }

# Refusals, each before anything is written.
expect 2 "did you mean 'train.batch'" train --out "$folder/no" -o train.batc=2
expect 2 "there is no preset" "$tinct" train --preset unet-smal --data "$data" --out "$folder/no"
expect 2 "multiple of" train --out "$folder/no" -o data.crop=33
expect 2 "does not suit" train --out "$folder/no" -o loss.name=softmax_cross_entropy
expect 2 "--out" train
vgg=("$tinct" train --preset vgg-unet --data "$data" --out "$folder/no")
expect 6 "tools/fetch-vgg16.sh" env XDG_DATA_HOME="$folder" "${vgg[@]}"
expect 6 "model.vgg16=FILE" "${vgg[@]}" -o model.vgg16="$folder/absent"
expect 2 "five whole numbers" "${vgg[@]}" -o model.widths=1,2
expect 2 "model.blocks" "${vgg[@]}" -o model.blocks=3
expect 2 "data.fixed_crops must be set" train --out "$folder/no" --cache "$folder/cache"
expect 2 "nothing of unet-small is frozen" train --out "$folder/no" --cache "$folder/cache" -o data.fixed_crops=2
expect 6 "no such folder" "$tinct" train --data "$folder/absent" --out "$folder/no"
expect 6 "cannot write" train --out /proc/tinct-run
if "$tinct" doctor 2>/dev/null | grep -q simulator; then
  full=(env TINCT_SIMT_MEMORY=1 "${command[@]}" --out "$folder/full" --device sim)
  expect 5 "are free, this program holds" "${full[@]}"
  expect 5 "train.batch=N" "${full[@]}"
fi
echo "[train" >"$folder/broken.toml"
expect 2 "broken.toml:1" train --out "$folder/no" -c "$folder/broken.toml"
[ ! -e "$folder/no" ] || fail "a refused command has left a folder"

# A whole run; a second one is not written over it.
expect 0 "finished at step 3" train --out "$folder/run" -o train.steps=3
expect 2 "--resume" train --out "$folder/run" -o train.steps=3
expect 0 "finished" train --out "$folder/run" -o train.steps=2 --exist-ok
[ "$(wc -l <"$folder/run/log.jsonl")" = 2 ] || fail "--exist-ok has not started over"
expect 0 "going on from step 2" train --out "$folder/run" -o train.steps=4 --resume
expect 0 "changed train.steps: 4 -> 5" "$tinct" train --out "$folder/run" -o train.steps=5 --resume
expect 0 "nothing was saved yet" train --out "$folder/new" -o train.steps=1 --resume
[ "$("$tinct" train --out "$folder/run" --resume --json 2>/dev/null | head -c 1)" = "{" ] ||
  fail "--json prints no object"
# The weights know how colourful what they learnt from was; others can be told.
expect 0 "" "$tinct" colorize "$folder/photos/1.ppm" -o "$folder/auto.png" --saturation auto \
  --model "$folder/run/last.safetensors" --quiet
expect 0 "" "$tinct" export "$folder/run/last.safetensors" -o "$folder/noted.safetensors" \
  --storage f16 --data "$data"
[ "$("$tinct" inspect "$folder/noted.safetensors" | grep train_colourfulness)" = \
  "$("$tinct" inspect "$folder/run/last.safetensors" | grep train_colourfulness)" ] ||
  fail "tinct export --data notes another colourfulness than tinct train"
rm "$folder/photos/12.ppm"
"$tinct" prepare "$folder/photos" -o "$folder/fewer" --quiet >/dev/null || fail "prepare"
expect 0 "not the one this run began with" "$tinct" train --out "$folder/run" --resume \
  --data "$folder/fewer"
expect 2 "trains unet-small, not" "$tinct" train --preset unet-small-bins --out "$folder/run" --resume
expect 0 "measured" train --dry-run
expect 0 "finished" "$tinct" train --preset unet-small-bins --data "$data" --out "$folder/bins" \
  -o data.crop=32 -o train.steps=2 -o train.batch=2 -o train.validate_size=64
expect 0 "finished" train --out "$folder/overfit" --overfit 1 -o train.steps=2

# Signals: the state is saved at the step under way.
signal() {
  local name=$1 status=$2 run=$folder/$1
  "${command[@]}" --out "$run" -o train.steps=100000 -o train.checkpoint_every=0 \
    -o train.validate_every=0 --quiet >/dev/null 2>&1 &
  pid=$!
  for _ in $(seq 100); do
    [ "$(wc -l 2>/dev/null <"$run/log.jsonl")" -gt 3 ] 2>/dev/null && break
    sleep 0.1
  done
  kill -"$name" "$pid"
  for _ in $(seq 300); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  kill -9 "$pid" 2>/dev/null && fail "SIG$name does not end it"
  wait "$pid"
  local got=$?
  pid=
  [ "$got" -eq "$status" ] || fail "exit $got, not $status, after SIG$name"
  local steps saved
  steps=$(wc -l <"$run/log.jsonl")
  saved=$(printf 'step-%08d' "$steps")
  [ "$(readlink "$run/checkpoints/last")" = "$saved" ] || fail "SIG$name: $saved was not saved"
}
signal INT 0
signal TERM 143

# Killed at random moments, a handful here; tools/kill-test.sh 20 shows more.
TINCT=$tinct "$here/tools/kill-test.sh" 4 "$data" 1 || fail "kill-test"

[ "$failures" -eq 0 ] && echo ok
exit $((failures > 0))
