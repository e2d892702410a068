#!/bin/bash
# What ptxas makes of every kernel: registers, spills, stack and shared memory, into kernels/ptxas.tsv.
# Usage: tools/ptxas-table.sh [write|check] [FILE.cu…]   (default: write, and all files)
#   write   makes the lines of these files anew
#   check   holds their kernels to the table as to a budget: at most its registers, stack and shared
#           memory, no spills, and no kernel in one of the two alone
# ARCHITECTURE (default sm_80), NVCC, TABLE and JOBS (default: the cores) may be set.
set -euo pipefail
cd "$(dirname "$0")/.."
export NVCC=${NVCC:-$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)}
export ARCHITECTURE=${ARCHITECTURE:-sm_80}
table=${TABLE:-kernels/ptxas.tsv}

# rows FILE: compiles the kernels of a file, the device's half alone, and prints a line for each.
rows() {
  local log
  if ! log=$("$NVCC" -std=c++20 -O3 -arch="$ARCHITECTURE" -Werror=all-warnings -Xptxas -v -I. -cubin \
    -o /dev/null "$1" 2>&1); then
    echo "$log" >&2
    return 255 # xargs stops
  fi
  c++filt <<<"$log" | awk -v file="$1" '
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
    }'
}
export -f rows

# made_of FILE…: the lines of these files, as they are now.
made_of() {
  # Each job writes its lines at once, so that they do not mix.
  printf '%s\n' "$@" | xargs -P "${JOBS:-$(nproc)}" -I{} bash -c 'made=$(rows {}) && echo "$made"' |
    sed '/^$/d' | LC_ALL=C sort
}

# committed in|out FILE…: the table's lines of these files, or of all others that there are.
committed() {
  local side=$1
  shift
  [ -e "$table" ] || return 0
  printf '%s\n' "$@" | awk -F'\t' -v side="$side" '
    NR == FNR { named[$1]; next }
    /^kernels/ && ($1 in named) == (side == "in")' - "$table"
}

# broken BUDGET MADE: a line for each kernel that breaks the budget; the status is 1 when there is one.
broken() {
  awk -F'\t' '
    function breaks(line) { print $1 ": " $2 " " line; found = 1 }
    function hold(what, column) {
      if ($column > allowed[column]) breaks("takes " $column " " what ", and its budget is " allowed[column])
    }
    NR == FNR { budget[$1 FS $2] = $0; next }
    $4 + $5 > 0 { breaks("spills " $4 + $5 " bytes") }
    !(($1 FS $2) in budget) { breaks("is not in the table"); stale = 1; next }
    {
      split(budget[$1 FS $2], allowed, FS)
      delete budget[$1 FS $2]
      hold("registers", 3)
      hold("bytes of stack", 6)
      hold("bytes of shared memory", 7)
    }
    END {
      for (kernel in budget) {
        $0 = budget[kernel]
        breaks("is in the table alone")
        stale = 1
      }
      if (stale) print "the table is out of date: run tools/ptxas-table.sh"
      exit found
    }' "$1" "$2"
}

command=${1:-write}
[ $# -eq 0 ] || shift
files=("$@")
[ $# -gt 0 ] || mapfile -t files < <(git ls-files --cached --others --exclude-standard 'kernels/*.cu')
made=$(mktemp)
trap 'rm -f "$made"' EXIT
case $command in
  write)
    made_of "${files[@]}" >"$made" || exit 1
    [ $# -eq 0 ] || committed out "${files[@]}" >>"$made"
    {
      printf '# %s, made by tools/ptxas-table.sh\n' "$ARCHITECTURE"
      printf 'file\tkernel\tregisters\tspill_stores\tspill_loads\tstack\tshared\n'
      LC_ALL=C sort "$made"
    } >"$table"
    ;;
  check)
    made_of "${files[@]}" >"$made" || exit 1
    broken <(committed in "${files[@]}") "$made" >&2
    ;;
  *)
    sed -n '/^# Usage/,/^# ARCH/s/^# //p' "$0" >&2
    exit 2
    ;;
esac
