#!/bin/bash
# tinct prepare from outside: results, exit codes, what stays on the disk.
set -euo pipefail
tinct=${TINCT:?the program to test}
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
fail() {
  echo "FAILED: $*"
  exit 1
}
expect() { [ "$1" = "$2" ] || fail "expected '$2', got '$1'"; }
# code EXPECTED WORDS ARGUMENTS…: the exit code, and one line on stderr that has the words.
code() {
  local expected=$1 words=$2 got=0
  shift 2
  "$tinct" prepare "$@" >"$work/out" 2>"$work/err" </dev/null || got=$?
  [ "$got" = "$expected" ] || fail "exit $got instead of $expected: $*: $(cat "$work/err")"
  [ "$expected" = 0 ] || expect "$(wc -l <"$work/err")" 1
  [ -z "$words" ] || grep -qF -- "$words" "$work/err" || fail "no '$words' in: $(cat "$work/err")"
}

mkdir "$work/in"
cp "$root"/samples/*.jpg "$work/in"
head -c 5000 "$work/in/cat.jpg" >"$work/in/broken.jpg"
cp "$work/in/cat.jpg" "$work/in/zcat.jpg"

"$tinct" prepare "$work/in" -o "$work/data" --size 200 --json >"$work/json" 2>"$work/err"
expect "$(cat "$work/err")" ""
tr -d ' \n' <"$work/json" >"$work/flat"
grep -q '"found":9,' "$work/flat" || fail "$(cat "$work/flat")"
grep -q '"dropped":{"broken":1,"duplicate":1,"grey":2}' "$work/flat" || fail "$(cat "$work/flat")"
expect "$(grep -c '"kept":true' "$work/data/report.jsonl")" 5
expect "$(wc -l <"$work/data/index.jsonl")" 6
"$tinct" prepare "$work/in" -o "$work/again" --size 200 --jobs 3 --quiet >"$work/out"
grep -q "5 of 9 pictures" "$work/out" || fail "$(cat "$work/out")"
cmp "$work/data/index.jsonl" "$work/again/index.jsonl"
cmp "$work/data/shard-00000.bin" "$work/again/shard-00000.bin"

code 6 "a data set is there already" "$work/in" -o "$work/data"
code 0 "" "$work/in" -o "$work/data" --overwrite --holdout 0
printf 'cat.jpg\n' >"$work/list"
code 0 "" "$work/in" -o "$work/listed" --val-list "$work/list"
expect "$(grep -o '"name":"[^"]*".*"split":"val"' "$work/listed/index.jsonl" | cut -d'"' -f4)" cat.jpg

mkdir "$work/grey" "$work/empty"
cp "$work/in"/*grey.jpg "$work/grey"
code 3 "no usable picture among 2: 2 grey" "$work/grey" -o "$work/x"
code 3 "no usable picture among 0" "$work/empty" -o "$work/x"
code 3 "broken.jpg" "$work/in/broken.jpg" -o "$work/x"
code 3 "names no picture" "$work/in" -o "$work/x" --val-list "$work/json"
code 6 "no such file" "$work/nowhere" -o "$work/x"
code 6 "not a data set" "$work/in" -o "$work/in"
code 2 "--sise" "$work/in" -o "$work/x" --sise 3
code 2 "--size" "$work/in" -o "$work/x" --size 3
code 2 "--holdout" "$work/in" -o "$work/x" --holdout 2
code 2 "--holdout" "$work/in" -o "$work/x" --holdout .2 --val-list "$work/list"
code 2 "--out" "$work/in"
code 6 "" "$work/in" -o /proc/x
if [ "$(id -u)" -ne 0 ]; then
  chmod a-w "$work/empty"
  code 6 "" "$work/in" -o "$work/empty/x"
fi
# A full disk, as far as a file size limit can stand for one.
(
  ulimit -f 100
  trap '' XFSZ
  code 6 "cannot write" "$work/in" -o "$work/x"
)
[ ! -e "$work/x" ] || fail "something was left"
expect "$(find "$work" -name '*.tmp-*' | wc -l)" 0

# Interrupted: nothing is left, exit 130.
mkdir "$work/many"
for i in $(seq 400); do cp "$work/in/astronaut.jpg" "$work/many/$i.jpg"; done
"$tinct" prepare "$work/many" -o "$work/x" --quiet >"$work/out" 2>"$work/err" &
pid=$!
sleep 0.2
kill -INT "$pid" 2>/dev/null || true
got=0
wait "$pid" || got=$?
if [ "$got" != 0 ]; then
  expect "$got" 130
  [ ! -e "$work/x" ] || fail "something was left"
fi
expect "$(find "$work" -name '*.tmp-*' | wc -l)" 0
