#!/bin/bash
# Every checker of tools/lint.sh passes clean sources and fails on a planted fault, and the counting
# of tests/run.sh sees failures and crashes.
set -uo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failures=0

complain() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

mkdir -p "$folder"/{tools,core,kernels,layers,models,train,build/release}
cp "$root"/tools/{lint.sh,check-includes} "$folder/tools/"
cp "$root"/.clang-format "$root"/.clang-tidy "$folder/"
cd "$folder" || exit 1
git init -q . && echo /build/ >.gitignore

clean() {
  rm -f core/*.* kernels/*.* layers/*.* models/*.* train/*.*
  printf '// A header.\n#pragma once\n\nnamespace tinct {\n\nint twice(int x);\n\n}  // namespace tinct\n' >core/a.h
  printf '// A source.\n#include "core/a.h"\n\nnamespace tinct {\n\nint twice(int x) {\n  return 2 * x;\n}\n\n}  // namespace tinct\n' >core/a.cpp
  printf '[{"directory":"%s","file":"core/a.cpp","command":"g++ -std=c++20 -I. -c core/a.cpp"}]' \
    "$folder" >build/release/compile_commands.json
}

# expect RESULT CHECK WHAT: runs one check of lint.sh on the sources as they are.
expect() {
  local output
  output=$(tools/lint.sh "$2" 2>&1)
  [ "$(tail -1 <<<"$output")" = "$1 $2" ] || complain "$3: expected '$1 $2', got: $output"
}

clean
expect ok format 'clean sources'
expect ok includes 'clean sources'
expect ok tidy 'clean sources'

sed -i 's/  return/      return/' core/a.cpp
expect FAILED format 'an indent of six'

clean && sed -i 's/twice/Twice/' core/a.cpp core/a.h
expect FAILED tidy 'a function in CamelCase'
clean && sed -i 's/  return 2/  if (x > 3);\n    x = 3;\n  return 2/' core/a.cpp
expect FAILED tidy 'an if that guards nothing'

clean && sed 's/twice/Twice/' core/a.cpp >train/a.cpp
commit() { git add -A && git -c user.name=x -c user.email=x commit -qm x --allow-empty; }
commit && expect ok tidy-some 'a first commit'
commit && expect ok tidy-some 'an older fault in train'
echo >>train/a.cpp
expect FAILED tidy-some 'a fault in a file of train that has changed'
commit && expect FAILED tidy-some 'one that the last commit changed'
clean && commit

# plant FILE INCLUDE: the file includes what it must not.
plant() {
  clean && printf '// A file.\n#pragma once\n#include %s\n' "$2" >"$1"
  expect FAILED includes "$1 with $2"
}
plant core/b.h '"kernels/b.h"'
plant core/b.h '<hwy/highway.h>'
plant kernels/b.h '"core/tensor.h"'
plant kernels/b.h '"core/autograd.h"'
plant kernels/b.h '<hwy/highway.h>'
plant layers/b.cpp '"models/model.h"'
plant models/b.cpp '"kernels/conv/conv2d.h"'
plant models/b.cpp '<hwy/highway.h>'
plant train/b.cpp '"tools/verb.h"'
plant train/b.h '<nlohmann/json.hpp>'
plant train/b.h '<png.h>'
clean && printf '// A file.\n#include <hwy/highway.h>\n#include "core/shape.h"\n' >kernels/b.cpp
expect ok includes 'a kernel with Highway and a shape'
clean && sed -i 1d core/a.cpp
expect FAILED includes 'a source without its subject'

# The counting.
# shellcheck source=tests/run.sh
source "$root/tests/run.sh"
cd "$folder" || exit 1
# count RESULT STATUS TEXT: what a test program that prints TEXT and exits with STATUS counts as.
count() {
  printf '%b\n' "$3" >log
  count_catch log "$2"
  [ "$passed/$failed" = "$1" ] || complain "'$3', exit $2 counted as $passed/$failed, not $1"
}
count 12/0 0 'All tests passed (34 assertions in 12 test cases)'
count 1/0 0 'All tests passed (3 assertions in 1 test case)'
count 9/3 3 'test cases: 12 | 9 passed | 3 failed\nassertions: 40 | 30 passed | 10 failed'
count 0/2 2 'test cases: 2 | 2 failed\nassertions: 4 | 4 failed'
count 0/1 139 'Segmentation fault'
count 0/1 0 'No tests ran'
count 12/1 1 'All tests passed (34 assertions in 12 test cases)\nLeakSanitizer: detected memory leaks'

[ "$failures" -eq 0 ] && echo "every planted fault was found"
exit $((failures > 0))
