#!/bin/bash
# tools/gpu-check.sh where there is no card: stand-ins for nvidia-smi, compute-sanitizer and the
# programs show that parts are counted, stopped, skipped and saved as they should be.
set -uo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
command -v python3 >/dev/null || { echo "skipped: no python3"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

complain() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

# stand_in PATH: a program whose body is on stdin.
stand_in() {
  { echo '#!/bin/bash'; cat; } >"$1"
  chmod +x "$1"
}

# A copy of what the script looks at, so that it writes nothing into the tree.
mkdir -p "$work/tree/tools" "$work/tree/tests/tools" "$work/bin" "$work/programs" "$work/out"
cp "$root"/tools/gpu-check.sh "$root"/tools/gpu-check-report.py "$work/tree/tools/"
echo 'exit 0' | stand_in "$work/tree/tests/tools/cli_test.sh"
stand_in "$work/bin/nvidia-smi" <<'END'
case $* in
  *driver_version*) echo 580.1 ;;
  *name*) echo "NVIDIA H100 80GB HBM3" ;;
  *) echo "a table" ;;
esac
END
stand_in "$work/bin/compute-sanitizer" <<'END'
echo "All tests passed (1 assertion in 1 test case)"
case "$2 ${!#}" in
  racecheck*half*) exit 99 ;;
  memcheck*slow*) exit 124 ;;
esac
END
stand_in "$work/programs/test_gpu" <<'END'
if [ "${1:-}" = --list-test-names-only ]; then
  printf '%s\n' 'a whole, with [signs]' 'half of it' 'a slow one'
else
  echo "All tests passed (466 assertions in 3 test cases)"
fi
END
stand_in "$work/programs/test_core" <<'END'
rule=$(printf -- '-%.0s' {1..79})
printf '%s\nthe case that fails\n  in a section\n%s\nfile.cpp:1\n' "$rule" "$rule"
echo 'test cases:  5 |  3 passed | 2 failed'
exit 2
END
# On demand it never ends, and has a child in a process group of its own.
stand_in "$work/programs/test_layers" <<'END'
[ -e "$(dirname "$0")/endless" ] || exit 0
timeout 600 sleep 600 &
echo $! >>"$(dirname "$0")/left"
wait
END
stand_in "$work/programs/tinct" <<<'exit 1'
stand_in "$work/programs/tinct_hopper_probe" <<'END'
echo '{"table": "What the card gives", "rows": [{"question": "speed", "value": 2.5, "unit": "GB/s"}]}'
[ ! -e "$(dirname "$0")/endless" ] || sleep 60
END

stand_in "$work/programs/tinct_gpu_bench" <<'END'
right=true
[ "$1" != gemm ] || right=false
printf '{"cases": [{"group": "some", "name": "%s", "precision": "f32", "sides": {"naive": {"ms": 2, "right": %s}}}]}' \
  "$1" "$right" >"${!#}"
[ "$right" = true ]
END

# check STATUS ARGUMENTS…: runs the script; its page is left in summary.
check() {
  local wanted=$1 status=0
  shift
  PATH=$work/bin:$PATH OUT=$work/out "$work/tree/tools/gpu-check.sh" --programs "$work/programs" "$@" \
    >"$work/said" 2>&1 || status=$?
  [ "$status" -eq "$wanted" ] || complain "$*: exit $status, not $wanted: $(cat "$work/said")"
  cat "$work"/tree/bench/results/*.md >"$work/summary" 2>/dev/null
}

# says PATTERN: the summary has a line like it.
says() {
  grep -qE -- "$1" "$work/summary" || complain "no '$1' in: $(cat "$work/summary")"
}

check 1 tests rates peers
says '^# tinct on NVIDIA H100 80GB HBM3'
says '\| tests \| failed \|'
says '\| test_gpu \| passed \| 3 \| 0 \|'
says '\| test_core \| failed \(exit 2\) \| 3 \| 2 \|.*\| the case that fails \|'
says '\| rates \| passed \|'
says '\| speed \| 2.5 \| GB/s \|'
says '\| peers \| skipped \|'
ls "$work"/tree/bench/results/????-??-??-h100-80gb-hbm3-tests.json >/dev/null || complain "no table of the tests"
tar -tzf "$work/out/gpu-check.tar.gz" >"$work/listed"
for name in test_core.log rates.json; do
  grep -q "$name" "$work/listed" || complain "the archive lacks $name"
done
cmp -s "$work/out/summary.md" "$work"/tree/bench/results/*.md || complain "the summary was not copied"

check 1 ops
says '\| some \| b16 bf16 \| f32 \| naive 2 \|  \|'
says '\| some \| gemm \| f32 \| naive 2 \| naive \|'
check 1 sanitizer
says '\| memcheck \| 2 \| 0 \| 1 \|'
says '\| racecheck \| 2 \| 1 \| 0 \| half of it \|'

check 0 rates
touch "$work/programs/endless"
check 0 --limit 6 rates
says '\| rates \| stopped \|'
check 0 --limit 1 rates
says '\| rates \| skipped \| 0 \| there was no time left \|'

# Tests that do not end fail; what then has no time is named; of what was stopped nothing stays.
rm "$work/programs/test_core"
check 1 --limit 11 tests rates
says '\| tests \| (stopped|failed) \|'
says '\| test_gpu \| passed \| 3 \| 0 \|'
says '\| rates \| (skipped|stopped) \|'
[ -s "$work/programs/left" ] || complain "the endless test has not run"
while read -r process; do
  ! kill -0 "$process" 2>/dev/null || complain "process $process outlives its part"
done <"$work/programs/left"
rm "$work/programs/endless"

# A training run that was stopped is reported as far as it came; what cannot be read, as that.
run=$work/tree/runs/gpu-check
mkdir -p "$run/vgg-unet"
for step in 1 2 3; do echo "{\"step\": $step, \"loss\": 0.$step, \"ms\": 2$step}"; done >"$run/vgg-unet/log.jsonl"
printf '{"step": 4, "lo' >>"$run/vgg-unet/log.jsonl"
printf '{"step_ms": 1' >"$run/step-unet-small.json"
python3 "$work/tree/tools/gpu-check-report.py" "$run" "$work/out" stamp || complain "no report of a stopped training run"
grep -q 'not readable' "$work/out/stamp.md" || complain "a broken table is not named"
grep -q '^| steps | 3 |' "$work/out/stamp.md" || complain "a stopped training run is not reported: $(cat "$work/out/stamp.md")"

check 0 tests
says '\| tests \| passed \|'
check 2 nothing
echo 'exit 6' | stand_in "$work/bin/nvidia-smi"
check 8 tests
grep -q '^no GPU' "$work/said" || complain "a machine without a card is not told so"

[ "$failures" -eq 0 ] && echo "the check counts, stops and saves"
exit $((failures > 0))
