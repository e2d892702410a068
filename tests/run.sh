#!/bin/bash
# Runs everything and counts it: lint, the tests of the release build, the GPU kernels' budget, then
# the sanitizer builds.
# Usage: tests/run.sh [lint|release|ptxas|asan|tsan]…  (default: all, in this order)
# The last line is "N passed, N failed"; the exit status is 0 only when none failed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

total_passed=0
total_failed=0
mkdir -p build

# record SUITE PASSED FAILED SECONDS
record() {
  total_passed=$((total_passed + $2))
  total_failed=$((total_failed + $3))
  printf '%-24s %5d passed %4d failed  %5.0f s\n' "$1" "$2" "$3" "$4"
}

now() { date +%s.%N; }
since() { echo "$(now) $1" | awk '{print $1 - $2}'; }

# Sets passed and failed from the last lines of a Catch2 report; a program that ends without one
# (a crash) counts as one failure.
count_catch() {
  local log=$1 status=$2 line
  passed=0 failed=0
  if line=$(grep -E '^All tests passed' "$log" | tail -1) && [ -n "$line" ]; then
    passed=$(sed -E 's/.* in ([0-9]+) test cases?.*/\1/' <<<"$line")
  elif line=$(grep -E '^test cases:' "$log" | tail -1) && [ -n "$line" ]; then
    passed=$(grep -oE '[0-9]+ passed' <<<"$line" | grep -oE '[0-9]+' || echo 0)
    failed=$(grep -oE '[0-9]+ failed' <<<"$line" | grep -oE '[0-9]+' || echo 0)
  fi
  if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
  if [ "$status" -eq 0 ] && [ "$passed" -eq 0 ]; then failed=1; fi
}

# run_suite NAME LOG COMMAND…: a test program or script; shows its log only when it failed.
run_suite() {
  local name=$1 log=$2 start status
  shift 2
  start=$(now)
  "$@" >"$log" 2>&1
  status=$?
  case $1 in
    *.sh) passed=$((status == 0)) failed=$((status != 0)) ;;
    *) count_catch "$log" "$status" ;;
  esac
  [ "$failed" -eq 0 ] || tail -60 "$log"
  record "$name" "$passed" "$failed" "$(since "$start")"
}

build() {
  local preset=$1 start
  shift
  start=$(now)
  if cmake --preset "$preset" >"build/$preset.configure.log" 2>&1 &&
    cmake --build "build/$preset" "$@" >"build/$preset.build.log" 2>&1; then
    record "$preset: build" 1 0 "$(since "$start")"
    return 0
  fi
  tail -40 "build/$preset.configure.log" "build/$preset.build.log" 2>/dev/null
  record "$preset: build" 0 1 "$(since "$start")"
  return 1
}

# suites PRESET [CATCH2 ARGUMENTS]…
suites() {
  local preset=$1 program folder
  shift
  for folder in core kernels layers models train tools gpu gpu_checked simt simt_checked; do
    program=build/$preset/test_$folder
    [ -x "$program" ] || continue
    run_suite "$preset: $folder" "build/$preset/test_$folder.log" "$program" "$@"
  done
}

# scripts PRESET SCRIPT…
scripts() {
  local preset=$1 script
  shift
  for script in "$@"; do
    TINCT=$PWD/build/$preset/tinct run_suite "$preset: $(basename "$script" _test.sh)" \
      "build/$preset/$(basename "$script" .sh).log" "$script"
  done
}

lint() {
  local start line
  start=$(now)
  cmake --preset release >build/release.configure.log 2>&1
  tools/lint.sh format includes tidy-some >build/lint.log 2>&1
  [ $? -eq 0 ] || grep -v '^ok ' build/lint.log | tail -60
  record lint "$(grep -c '^ok ' build/lint.log)" "$(grep -c '^FAILED ' build/lint.log)" \
    "$(since "$start")"
}

release() {
  build release && suites release && scripts release tests/*/*_test.sh
}

# Every kernel through nvcc, held to its registers, spills and shared memory.
ptxas() {
  if ! command -v nvcc >/dev/null && [ ! -x /usr/local/cuda/bin/nvcc ]; then
    echo "ptxas: skipped, there is no nvcc"
    return
  fi
  run_suite ptxas build/ptxas.log tools/ptxas-table.sh check
}

asan() {
  # Memory that cannot be had is for our own allocator to report.
  export ASAN_OPTIONS=detect_stack_use_after_return=1:allocator_may_return_null=1
  export UBSAN_OPTIONS=print_stacktrace=1
  build asan && suites asan '~[slow]' && scripts asan tests/tools/cli_test.sh
}

# The pool, and every operation on it; build/tsan holds the rest for a run by hand.
tsan() {
  export TSAN_OPTIONS=halt_on_error=1
  build tsan --target test_core test_layers && suites tsan '~[slow]'
}

# Sourced, by the test of its counting, it only defines its functions.
[ "${BASH_SOURCE[0]}" = "$0" ] || return 0

[ $# -gt 0 ] || set -- lint release ptxas asan tsan
for part in "$@"; do
  case $part in
    lint | release | ptxas | asan | tsan) "$part" ;;
    *)
      echo "usage: tests/run.sh [lint|release|ptxas|asan|tsan]…" >&2
      exit 2
      ;;
  esac
done
echo "$total_passed passed, $total_failed failed"
[ "$total_failed" -eq 0 ]
