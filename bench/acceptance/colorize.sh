#!/bin/bash
# Whether `tinct colorize` keeps what it promises of a photograph of 12 megapixels, on two cores: under
# 3 s and under 1 GiB, from the command to the file. Run it on a machine that does nothing else.
# Usage: bench/acceptance/colorize.sh [MODEL]…  (default: the default model)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
most_seconds=3
most_mib=1024
build=${BUILD:-build/release}

cmake --build "$build" --target tinct tinct_acceptance >/dev/null
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$build/tinct_acceptance" enlarge samples/coffee.jpg "$folder/large.jpg" 4000 3000

# A model, or its absence, and what more it is told.
check() {
  local name=$1 runs=
  shift
  for _ in 1 2 3 4 5; do
    runs+=$(taskset -c 0,1 "$build/tinct_acceptance" measure \
      "$build/tinct" colorize "$folder/large.jpg" -o "$folder/colour.jpg" --quiet "$@")$'\n'
  done
  # The median of the times, the largest of the memories.
  awk -v name="$name" -v most_s="$most_seconds" -v most_m="$most_mib" '
    NF == 2 { s[++n] = $1; if ($2 > m) m = $2 }
    END {
      for (i = 1; i <= n; ++i)
        for (j = i + 1; j <= n; ++j) if (s[j] < s[i]) { t = s[i]; s[i] = s[j]; s[j] = t }
      kept = n == 5 && s[3] < most_s && m < most_m
      printf "%-24s %.2f s (%.2f to %.2f), %d MiB: %s\n", name, s[3], s[1], s[n], m, kept ? "kept" : "NOT KEPT"
      exit !kept
    }' <<<"$runs"
}

status=0
[ $# -gt 0 ] || check "the default model" || status=1
for model in "$@"; do
  check "$model" --model "$model" || status=1
done
exit $status
