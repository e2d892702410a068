#!/bin/bash
# What there is to see of tinct on an NVIDIA card, without building anything: tests, comparisons with
# PyTorch and cuDNN, compute-sanitizer, a training run. It stops after nine minutes (--limit): the
# most valuable comes first, each part is saved as it ends, one that takes too long is stopped, and
# what does not fit is left out and named. Writes a JSON file a table and a summary in Markdown into
# bench/results/, logs into runs/gpu-check/. The exit status is 1 when a test or another part
# failed or the tests did not end, 8 without a card.
# Usage: tools/gpu-check.sh [--programs DIR] [--photos DIR] [--results DIR] [--limit SECONDS] [PART…]
#          PART: tests ops peers steps sanitizer training rates fusion ncu sass layers   (default: all)
#        tools/gpu-check.sh --pack [--photos DIR]   builds what it needs, for another machine, into
#          .gpu-pack/; without --programs it is taken from there
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit
readonly missing=77 # of a part that cannot be run here

usage() {
  sed -n '/^# Usage/,/^#   *\.gpu/s/^# \{0,1\}//p' tools/gpu-check.sh >&2
  exit 2
}

skip() {
  echo "skipped: $*"
  exit "$missing"
}

need() {
  command -v "$1" >/dev/null || skip "there is no $1"
}

need_torch() {
  need python3
  python3 -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("torch") is None)' ||
    skip "python3 has no PyTorch"
}

# need_program NAME: one of those that were packed or built.
need_program() {
  [ -x "$PROGRAMS/$1" ] || skip "there is no $1 in $PROGRAMS"
}

# ---- the parts; each is run in a session of its own, with PROGRAMS, WORK, PHOTOS and MOST set ----

# rest SECONDS: what the part has left of its MOST seconds but for the given ones.
rest() {
  local left=$((${MOST:-100} - SECONDS - $1))
  echo $((left > 0 ? left : 1))
}

# table NAME: the path of the part's JSON file.
table() {
  echo "$RESULTS/$STAMP-$1.json"
}

# run_test SECONDS NAME COMMAND…: its log, and a line of tests.tsv: name, exit status, seconds.
run_test() {
  local most=$1 name=$2 start=$SECONDS status=0
  shift 2
  timeout -k 2 "$most" "$@" >"$WORK/$name.log" 2>&1 || status=$?
  printf '%s\t%d\t%d\n' "$name" "$status" $((SECONDS - start)) >>"$WORK/tests.tsv"
  return "$status"
}

# The kernels' tests have the card to themselves; the others, mostly at work on the host, share it.
part_tests() {
  local folder failed=0 running=()
  : >"$WORK/tests.tsv"
  need_program test_gpu
  run_test "$(rest 40)" test_gpu "$PROGRAMS/test_gpu" --durations yes || failed=1
  for folder in core layers models train tools; do
    [ -x "$PROGRAMS/test_$folder" ] || continue
    run_test "$(rest 5)" "test_$folder" "$PROGRAMS/test_$folder" &
    running+=($!)
  done
  if [ -x "$PROGRAMS/tinct" ]; then
    TINCT=$PROGRAMS/tinct run_test "$(rest 5)" cli tests/tools/cli_test.sh &
    running+=($!)
  fi
  for process in "${running[@]}"; do wait "$process" || failed=1; done
  return "$failed"
}

# Each operation and each rung of the convolutions, beside cuDNN and cuBLAS; a piece after the other,
# so that what is measured stays.
part_ops() {
  need_program tinct_gpu_bench
  local filter number=0 failed=0
  mkdir -p "$WORK/ops"
  for filter in 'b16 bf16' '(' 'b16 f32' gemm 'b4 bf16' 'b1 bf16' 'b4 f32' 'b1 f32'; do
    number=$((number + 1))
    "$PROGRAMS/tinct_gpu_bench" "$filter" --rounds 15 --commit "$COMMIT" --json "$WORK/ops/$number.json" || failed=1
  done
  return "$failed"
}

# The same in PyTorch.
part_peers() {
  need_torch
  [ -f bench/peers/gpu_ops.py ] || skip "there is no bench/peers/gpu_ops.py"
  [ -f "$(table ops)" ] || skip "there is no $(table ops) to compare with"
  python3 bench/peers/gpu_ops.py --tinct "$(table ops)" --out "$(table ops-torch)" --table "$WORK/ops.md" \
    --rounds 15 --seconds "$(rest 25)"
}

# A training step of each preset against the same network in PyTorch; alone, where that cannot be.
part_steps() {
  local failed=0
  if [ -f bench/peers/gpu_train_step.py ] && [ -x "$PROGRAMS/tinct_gpu_train_step" ] && (need_torch); then
    python3 bench/peers/gpu_train_step.py --programs "$PROGRAMS" --out "$(table steps)" --table "$WORK/steps.md" \
      --commit "$COMMIT" --seconds "$(rest 45)" && return
    echo "the comparison failed; tinct alone:"
    failed=1
  fi
  prepare_data || return 1
  local preset
  for preset in unet-small vgg-unet vgg-unet-bins dahl-residual dahl-hypercolumn; do
    timeout 40 "$PROGRAMS/tinct" train --preset "$preset" --data "$WORK/data" --out "$WORK/none" --device gpu \
      --dry-run --json -o model.vgg16="$WORK/vgg16.safetensors" >"$WORK/step-$preset.json" || failed=1
  done
  return "$failed"
}

# The photographs as a data set, and VGG16 out of the weights that tinct ships.
prepare_data() {
  need_program tinct
  need python3
  [ -d "$WORK/data" ] || "$PROGRAMS/tinct" prepare "$PHOTOS" -o "$WORK/data" --quiet ||
    { rm -rf "$WORK/data"; return 1; }
  [ -f "$WORK/vgg16.safetensors" ] ||
    python3 bench/acceptance/backbone.py weights/vgg.safetensors "$WORK/vgg16.safetensors"
}

# vgg-unet to its step budget, and what it makes of the photographs that were held out.
part_training() {
  prepare_data || return 1
  local run=$WORK/vgg-unet
  "$PROGRAMS/tinct" train --preset vgg-unet --data "$WORK/data" --out "$run" --device gpu --exist-ok \
    -o model.vgg16="$WORK/vgg16.safetensors" || return 1
  "$PROGRAMS/tinct" eval --model "$run/best.safetensors" --data "$WORK/data" --device gpu --json >"$WORK/eval.json"
}

# clean TOOL CASE: one test case of test_gpu under one of compute-sanitizer's tools. A line of
# sanitizer.tsv: tool, clean, found or stopped, case.
clean() {
  local tool=$1 case=$2 log state status=0 pattern
  log=$WORK/sanitizer/$tool-$(tr -c 'A-Za-z0-9\n' - <<<"$case" | cut -c1-80).log
  pattern=$(sed 's/[][,\\*"]/\\&/g' <<<"$case") # Catch2's own signs
  timeout -k 2 60 compute-sanitizer --tool "$tool" --error-exitcode 99 "$PROGRAMS/test_gpu" "$pattern" \
    >"$log" 2>&1 || status=$?
  case $status in
    0) grep -qE 'All tests passed|^test cases: 1 . 1 passed' "$log" && state=clean || state=found ;;
    124 | 137) state=stopped ;;
    *) state=found ;;
  esac
  printf '%s\t%s\t%s\n' "$tool" "$state" "$case" >>"$WORK/sanitizer.tsv"
}

# Many at once: they wait for the host most of the time. What is found counts, also when there is no
# time for every case.
part_sanitizer() {
  need_program test_gpu
  need compute-sanitizer
  mkdir -p "$WORK/sanitizer"
  : >"$WORK/sanitizer.tsv"
  export -f clean
  export TINCT_CUDA_LIBRARIES=none # our kernels are examined, not the vendor's
  export TINCT_NO_DEVICE_CACHE=1 # every block the card's own, so that its ends are seen
  local tool running=() cases
  mapfile -t cases < <("$PROGRAMS/test_gpu" --list-test-names-only)
  if timeout 30 compute-sanitizer "$PROGRAMS/test_gpu" "${cases[0]}" | grep 'not supported'; then
    skip "compute-sanitizer does not support this device"
  fi
  for tool in memcheck racecheck; do
    printf '%s\0' "${cases[@]}" | timeout "$(rest 5)" xargs -0 -P "${SANITIZER_JOBS:-7}" -I{} bash -c 'clean "$1" "$2"' - "$tool" {} &
    running+=($!)
  done
  wait "${running[@]}"
  ! grep -qP '\tfound\t' "$WORK/sanitizer.tsv"
}

# cuDNN on VGG16's layers through PyTorch: what plans can be made against.
part_layers() {
  need_torch
  python3 bench/peers/gpu_plan.py layers --seconds "$(rest 15)" --out "$(table cudnn-layers)"
}

# What the card gives: memory, L2, wgmma, and whether its descriptors do what a plan needs.
part_rates() {
  need_program tinct_hopper_probe
  "$PROGRAMS/tinct_hopper_probe" >"$WORK/rates.json" && cp "$WORK/rates.json" "$(table rates)"
}

# Which kernels torch.compile makes of a convolution with bias and ReLU.
part_fusion() {
  need_torch
  python3 bench/peers/gpu_plan.py fusion --out "$(table fusion)"
}

# The counters of cuDNN's kernel for conv1_2. The card's clocks are left alone.
part_ncu() {
  need ncu
  need_torch
  ncu --clock-control none --profile-from-start off --set full --csv --page raw \
    python3 bench/peers/gpu_plan.py one >"$WORK/ncu.csv" || return 1
  python3 bench/peers/gpu_plan.py counters --csv "$WORK/ncu.csv" --out "$(table ncu)"
}

# The machine code of every kernel, by opcode.
part_sass() {
  need_program test_gpu
  need cuobjdump
  need python3
  cuobjdump -arch sm_90a -sass "$PROGRAMS/test_gpu" |
    python3 bench/peers/gpu_plan.py opcodes --out "$(table opcodes)"
}

# ---- running them ----

# The part's name and its most seconds, the most valuable first.
readonly plan='tests 120
ops 110
peers 100
steps 100
sanitizer 75
training 50
rates 20
fusion 45
ncu 30
sass 30
layers 95'

# slug NAME: "NVIDIA H100 80GB HBM3" as a part of a file's name.
slug() {
  tr 'A-Z ' 'a-z-' <<<"${1#NVIDIA }" | tr -cd 'a-z0-9-\n'
}

unpack() {
  mkdir -p "$WORK/programs"
  tar -C "$WORK/programs" -xJf .gpu-pack/programs.tar.xz 2>/dev/null ||
    python3 -c 'import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])' \
      .gpu-pack/programs.tar.xz "$WORK/programs"
}

# save: the summary of what there is so far; on a lent machine also where it is fetched from.
save() {
  if command -v python3 >/dev/null; then
    python3 tools/gpu-check-report.py "$WORK" "$RESULTS" "$STAMP" || return 1
  fi
  [ -n "${OUT:-}" ] || return 0
  cp "$RESULTS/$STAMP.md" "$OUT/summary.md" 2>/dev/null
  find "$RESULTS/$STAMP"* "$WORK" -path "$WORK/programs" -prune -o -path "$WORK/data" -prune -o \
    -type f ! -name '*.safetensors' -print | tar -czf "$OUT/gpu-check.tar.gz.new" -T - 2>/dev/null
  mv "$OUT/gpu-check.tar.gz.new" "$OUT/gpu-check.tar.gz"
}

# end_session LEADER: ends what a part has left running. Each timeout in it has a process group of
# its own, which a signal to the part's does not reach; all are of one session.
end_session() {
  local leader=$1 try file line of found=1
  for ((try = 0; try < 50 && found; ++try)); do
    found=0
    for file in /proc/[0-9]*/stat; do
      { read -r line <"$file"; } 2>/dev/null || continue
      read -ra of <<<"${line##*) }" # after the name: state, parent, group, session
      [ "${of[3]}" = "$leader" ] && [ "${of[0]}" != Z ] || continue
      kill -KILL "${line%% *}" 2>/dev/null
      found=1
    done
    ((found)) && sleep 0.1
  done
}

# run_part NAME SECONDS: a line of parts.tsv: name, state, seconds, the log's last line.
run_part() {
  local name=$1 most=$2 left=$((limit - SECONDS)) start=$SECONDS status=0 state
  [ "$most" -le "$left" ] || most=$left
  if [ "$left" -lt 2 ]; then
    echo "there was no time left" >"$WORK/$name.log"
    status=$missing
  else
    MOST=$most setsid timeout -k 5 "$most" tools/gpu-check.sh --part "$name" >"$WORK/$name.log" 2>&1 &
    session=$!
    wait "$session" || status=$?
    end_session "$session"
  fi
  case $status in
    0) state=passed ;;
    "$missing") state=skipped ;;
    124 | 137) state=stopped ;;
    *) state=failed ;;
  esac
  printf '%s\t%s\t%d\t%s\n' "$name" "$state" $((SECONDS - start)) "$(tail -n 1 "$WORK/$name.log" | tr -d '\t')" >>"$WORK/parts.tsv"
  [ "$state" != failed ] && { [ "$name" != tests ] || [ "$state" = passed ]; } || failed=1
  printf '%-10s %-8s %4d s\n' "$name" "$state" $((SECONDS - start))
  save
}

if [ "${1:-}" = --part ]; then
  "part_$2"
  exit
fi
if [ "${1:-}" = --pack ]; then
  shift
  exec tools/gpu-pack.sh "$@"
fi
PROGRAMS='' PHOTOS='' RESULTS=bench/results limit=530 parts=()
while [ $# -gt 0 ]; do
  case $1 in
    --programs) PROGRAMS=${2:-} && shift ;;
    --photos) PHOTOS=${2:-} && shift ;;
    --results) RESULTS=${2:-} && shift ;;
    --limit) limit=${2:-} && shift ;;
    -*) usage ;;
    *) grep -q "^$1 " <<<"$plan" && parts+=("$1") || usage ;;
  esac
  shift || usage
done

card=$(nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null | head -n 1)
if [ -z "$card" ]; then
  echo "no GPU: nvidia-smi names no card" >&2
  exit 8
fi
WORK=runs/gpu-check
rm -rf "$WORK"
mkdir -p "$WORK" "$RESULTS" "$PWD/build"
STAMP=$(date +%F)-$(slug "$card")
if [ -z "$PROGRAMS" ]; then
  [ -f .gpu-pack/programs.tar.xz ] || { echo "there is no .gpu-pack/: run tools/gpu-check.sh --pack where there is a compiler" >&2; exit 2; }
  unpack || { echo "cannot unpack .gpu-pack/programs.tar.xz" >&2; exit 1; }
  PROGRAMS=$WORK/programs
  : "${PHOTOS:=$PROGRAMS/photos}"
fi
: "${PHOTOS:=samples}"
[ "${#parts[@]}" -gt 0 ] || rm -f "$RESULTS/$STAMP"[-.]*
PROGRAMS=$(realpath "$PROGRAMS")
COMMIT=$(cat "$PROGRAMS/commit" 2>/dev/null || git rev-parse HEAD 2>/dev/null || echo unknown)
export PROGRAMS PHOTOS RESULTS WORK STAMP COMMIT
# Where cuBLAS and cuDNN are looked for, beside the loader's own places: often Python has them alone.
packages=$(python3 -c '
import importlib.util, pathlib, sysconfig
nvidia = importlib.util.find_spec("nvidia")
found = [pathlib.Path(p).parent for p in nvidia.submodule_search_locations] if nvidia else []
print(":".join(map(str, [*found, sysconfig.get_path("purelib")])))' 2>/dev/null)
export TINCT_CUDA_LIBRARIES=${TINCT_CUDA_LIBRARIES:-$packages:/usr/local/cuda/lib64}
export TINCT_WEIGHTS=$PWD/weights TINCT_CONFIGS=$PWD/configs PYTHONUNBUFFERED=1
{
  printf 'card\t%s\n' "$card"
  printf 'date\t%s\n' "$(date +%F)"
  printf 'commit\t%s\n' "$COMMIT"
  printf 'driver\t%s\n' "$(nvidia-smi --query-gpu=driver_version --format=csv,noheader | head -n 1)"
} >"$WORK/about.tsv"
nvidia-smi >"$WORK/nvidia-smi.log" 2>&1
: >"$WORK/parts.tsv"
echo "$card, at most $limit s"

failed=0 session=''
trap '[ -z "$session" ] || end_session "$session"; exit 130' INT TERM
while read -r name most; do
  [ "${#parts[@]}" -eq 0 ] || [[ " ${parts[*]} " == *" $name "* ]] || continue
  run_part "$name" "$most" </dev/null
done <<<"$plan"
cat "$RESULTS/$STAMP.md" 2>/dev/null
exit "$failed"
