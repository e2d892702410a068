#!/bin/bash
# What ptxas makes of every kernel: registers, spills, stack and shared memory, into kernels/ptxas.tsv.
# Usage: tools/ptxas-table.sh [check]   check: fails when the table is out of date or a kernel spills.
# ARCHITECTURE (default sm_80) and NVCC may be set.
set -euo pipefail
cd "$(dirname "$0")/.."
nvcc=${NVCC:-$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)}
architecture=${ARCHITECTURE:-sm_80}
table=kernels/ptxas.tsv

rows() {
  git ls-files --cached --others --exclude-standard 'kernels/*.cu' | sort | while read -r file; do
    "$nvcc" -std=c++20 -O3 -arch="$architecture" -Werror=all-warnings -Xptxas -v -I. -c \
      -o /dev/null "$file" 2>&1 >/dev/null | c++filt | awk -v file="$file" '
      /error|warning/ && !/ptxas info/ { print > "/dev/stderr"; bad = 1 }
      /Compiling entry function/ {
        name = $0
        sub(/.*entry function '\''/, "", name)
        sub(/'\'' for .*/, "", name)
        sub(/^void /, "", name)
        sub(/^tinct::gpu::(_GLOBAL__N_[A-Za-z0-9_]*|\(anonymous namespace\))::/, "", name)
        sub(/\([^()]*(\([^()]*\)[^()]*)*\)$/, "", name)
        gsub(/\(tinct::Activation\)/, "", name)
        gsub(/tinct::gpu::\(anonymous namespace\)::/, "", name)
      }
      /bytes stack frame/ { stack = $1; stores = $5; loads = $9 }
      /Used [0-9]+ registers/ {
        registers = $0
        sub(/.*Used /, "", registers)
        sub(/ registers.*/, "", registers)
        shared = 0
        if (match($0, /[0-9]+ bytes smem/)) shared = substr($0, RSTART, RLENGTH - 11)
        printf "%s\t%s\t%d\t%d\t%d\t%d\t%d\n", file, name, registers, stores, loads, stack, shared
      }
      END { exit bad }' | LC_ALL=C sort
  done
}

fresh() {
  printf '# %s, made by tools/ptxas-table.sh\n' "$architecture"
  printf 'file\tkernel\tregisters\tspill_stores\tspill_loads\tstack\tshared\n'
  rows
}

if [ "${1:-}" = check ]; then
  made=$(fresh)
  if ! diff <(echo "$made") "$table"; then
    echo "$table is out of date: run tools/ptxas-table.sh" >&2
    exit 1
  fi
  if awk -F'\t' 'NR > 2 && ($4 > 0 || $5 > 0) { print $1 ": " $2 " spills"; bad = 1 } END { exit !bad }' \
    "$table" >&2; then
    exit 1
  fi
else
  fresh >"$table.new"
  mv "$table.new" "$table"
fi
