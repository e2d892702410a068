#!/bin/bash
# tools/ptxas-table.sh against a stand-in for nvcc: what breaks the budget of the kernels, and what
# keeps it.
set -uo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

complain() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

# says KERNEL REGISTERS SPILLED SHARED: what ptxas prints of a kernel.
says() {
  cat <<END
ptxas info    : Compiling entry function '$1' for 'sm_80'
ptxas info    : Function properties for $1
    0 bytes stack frame, $3 bytes spill stores, 0 bytes spill loads
ptxas info    : Used $2 registers, used 0 barriers, $4 bytes smem, 380 bytes cmem[0]
END
}

cat >"$work/nvcc" <<'END'
#!/bin/bash
for file; do :; done
cat "$(dirname "$0")/$(basename "$file").said" || { echo "$file: error: no such kernel"; exit 1; }
END
chmod +x "$work/nvcc"
export NVCC=$work/nvcc TABLE=$work/table.tsv
files=(kernels/add.cu kernels/scale.cu)

# expect STATUS PATTERN: the status of a check, and what it says.
expect() {
  local status
  "$root/tools/ptxas-table.sh" check "${files[@]}" >"$work/out" 2>&1
  status=$?
  [ "$status" -eq "$1" ] || complain "$2: the status is $status, not $1: $(cat "$work/out")"
  grep -qE -- "$2" "$work/out" || [ -z "$2" ] || complain "no '$2' in: $(cat "$work/out")"
}

{ says add 20 0 1024 && says add_four 32 0 0; } >"$work/add.cu.said"
says scale 18 0 0 >"$work/scale.cu.said"
"$root/tools/ptxas-table.sh" write "${files[@]}" || complain "the table was not written"
[ "$(grep -c '^kernels/' "$TABLE")" -eq 3 ] || complain "the table has not three kernels: $(cat "$TABLE")"
expect 0 ''
[ ! -s "$work/out" ] || complain "a budget that holds has something to say: $(cat "$work/out")"

says scale 17 0 0 >"$work/scale.cu.said"
expect 0 ''
says scale 19 0 0 >"$work/scale.cu.said"
expect 1 'kernels/scale.cu: scale takes 19 registers, and its budget is 18'
says scale 18 8 0 >"$work/scale.cu.said"
expect 1 'kernels/scale.cu: scale spills 8 bytes'
says scale 18 0 4 >"$work/scale.cu.said"
expect 1 'scale takes 4 bytes of shared memory, and its budget is 0'
says scaled 18 0 0 >"$work/scale.cu.said"
expect 1 'scaled is not in the table'
expect 1 'scale is in the table alone'
expect 1 'out of date: run tools/ptxas-table.sh'
"$root/tools/ptxas-table.sh" write kernels/scale.cu || complain "a file's lines were not written"
expect 0 ''
rm "$work/scale.cu.said"
expect 1 'scale.cu: error: no such kernel'

[ "$failures" -eq 0 ] && echo "the budget holds what it says"
exit $((failures > 0))
