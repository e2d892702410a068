#!/bin/bash
# Checks the sources. Usage: tools/lint.sh [format|includes|tidy|tidy-some]…  (default: format,
# includes, tidy). One line a check, "ok NAME" or "FAILED NAME", what is wrong before it; exit 1 if
# any failed. tidy-some takes core, layers and models, and of the rest what the last commit changed
# or nobody has committed yet: in a quarter of the time.
set -uo pipefail
cd "$(dirname "$0")/.."

sources() { git ls-files --cached --others --exclude-standard "$@" | sort; }

check_format() {
  sources '*.h' '*.cpp' '*.cu' | xargs clang-format --dry-run -Werror
}

check_includes() {
  tools/check-includes
}

# Benchmarks and tests follow the same style but are left to the compiler's warnings.
tidy_sources() {
  sources 'core/*.cpp' 'kernels/*.cpp' 'layers/*.cpp' 'models/*.cpp' 'train/*.cpp' 'tools/*.cpp' |
    grep -v '^kernels/vendor/'
}

tidy() {
  [ -f build/release/compile_commands.json ] || cmake --preset release >/dev/null || return 1
  # clang finds the standard library of the compiler that builds; Highway's own macros are muted.
  xargs -r -P "$(nproc)" -n 2 clang-tidy -p build/release --quiet 2>/dev/null
}

check_tidy() {
  tidy_sources | tidy
}

check_tidy_some() {
  local changed
  changed=$(git diff --name-only --diff-filter=d HEAD~1 2>/dev/null)
  tidy_sources | grep -xE -e '(core|layers|models)/.*' -f <(sed 's/[.+]/\\&/g' <<<"${changed:-none}") | tidy
}

failed=0
[ $# -gt 0 ] || set -- format includes tidy
for check in "$@"; do
  if output=$("check_${check//-/_}" 2>&1); then
    echo "ok $check"
  else
    printf '%s\n' "$output"
    echo "FAILED $check"
    failed=1
  fi
done
exit $failed
