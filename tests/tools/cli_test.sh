#!/bin/bash
# The program's promises on the command line: exit codes, one clear line on stderr, suggestions,
# results on stdout alone. TINCT is the program.
set -uo pipefail
: "${TINCT:?the path of tinct}"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
failures=0

complain() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

# expect CODE PATTERN ARGUMENTS…: runs tinct; PATTERN must be on stderr, which has one line, and
# nothing on stdout.
expect() {
  local code=$1 pattern=$2 status
  shift 2
  "$TINCT" "$@" >out 2>err </dev/null
  status=$?
  [ "$status" -eq "$code" ] || complain "tinct $*: exit $status, not $code: $(cat err)"
  grep -qE -- "$pattern" err || complain "tinct $*: no '$pattern' in: $(cat err)"
  [ "$(wc -l <err)" -eq 1 ] || complain "tinct $*: stderr has not one line: $(cat err)"
  [ ! -s out ] || complain "tinct $*: wrote to stdout"
}

# succeed ARGUMENTS…: exit 0; results are left in the file out.
succeed() {
  "$TINCT" "$@" >out 2>err </dev/null || complain "tinct $*: exit $?: $(cat err)"
}

# Usage.
"$TINCT" >out 2>err
[ $? -eq 2 ] || complain "tinct alone must be a usage error"
grep -q 'Subcommands' err || complain "tinct alone must show its verbs"
expect 2 "unknown verb 'inspekt' \(did you mean 'inspect'\?\)" inspekt
expect 2 "unknown option --jsno \(did you mean '--json'\?\)" inspect --jsno file
expect 2 "unknown option --modle \(did you mean '--model'\?\)" forward --modle=x
expect 2 "unexpected argument 'b'" inspect a b
expect 2 'FILE is required' inspect
expect 2 'threads' doctor --threads 0
expect 2 'threads' doctor --threads many
expect 2 'HEIGHTxWIDTH' models --size 0x10
expect 2 "did you mean 'conv2d'" op conv2 --input a -o b
expect 2 'give -o FILE' forward --model small --input x
succeed --version
grep -qE '^tinct [0-9]+\.[0-9]+\.[0-9]+$' out || complain "--version: $(cat out)"
succeed --help
for verb in $(awk '/^Subcommands/ {on = 1; next} /^$/ {on = 0} on && /^  [a-z]/ {print $1}' out); do
  succeed "$verb" --help
  grep -q '^Examples:' out || complain "tinct $verb --help gives no examples"
  grep -q -- '--json' out || complain "tinct $verb --help names no --json"
done

# Files that are not there, or are not what they should be.
expect 6 'nowhere.safetensors.*No such file' inspect nowhere.safetensors
expect 6 '.' inspect "$folder"
printf 'not a tensor file at all' >junk
expect 4 'junk' inspect junk
: >empty
expect 4 'empty' inspect empty
expect 6 '.' forward --model nowhere.safetensors --input junk --repeat 1
expect 4 'junk' forward --model junk --input junk --repeat 1
expect 4 'junk: no weights file' import junk --arch vgg16 -o weights.safetensors
expect 4 'empty' import empty --arch vgg16_bn -o weights.safetensors
expect 6 'No such file' import nowhere.pth --arch vgg16 -o weights.safetensors
expect 2 'arch' import junk --arch vgg61 -o weights.safetensors
expect 2 'fold' import junk --arch vgg16 --fold-batch-norm -o weights.safetensors

# One operation from file to file.
zeros_file() { # NAME EXTENTS BYTES: a file with one tensor of noughts
  local header="{\"$1\":{\"dtype\":\"F32\",\"shape\":[$2],\"data_offsets\":[0,$3]}}" length
  length=${#header}
  printf "\\x$(printf %02x $((length % 256)))\\x$(printf %02x $((length / 256)))\0\0\0\0\0\0%s" "$header"
  head -c "$3" /dev/zero
}
zeros_file x 1,4,4,2 128 >x.safetensors
succeed op max_pool --input x.safetensors -o y.safetensors --set kernel=2,2 ceil=1
grep -qx 'y (1,2,2,2)' out || complain "op max_pool printed: $(cat out)"
succeed inspect y.safetensors
grep -q '^y .*(1,2,2,2)' out || complain "inspect does not list y: $(cat out)"
expect 3 "needs a tensor 'w'" op conv2d --input x.safetensors -o z.safetensors
expect 2 "did you mean 'stride'" op max_pool --input x.safetensors -o z.safetensors --set stirde=2
expect 2 'larger than the padded input' op max_pool --input x.safetensors -o z.safetensors --set kernel=9
[ ! -e z.safetensors ] || complain "a failed op left an output file"
if [ "$(id -u)" -ne 0 ]; then
  mkdir locked && chmod 500 locked
  expect 6 'locked' op relu --input x.safetensors -o locked/z.safetensors
fi
expect 6 'nowhere' op relu --input x.safetensors -o nowhere/z.safetensors

# Kernels, in builds that have any.
if "$TINCT" kernels >/dev/null 2>&1; then
  expect 2 "unknown kernel 'conv2' \(did you mean 'conv2d'\?\)" kernels run conv2/3
  expect 2 "did you mean 'naive'" kernels run conv2d/naiv
  expect 2 "did you mean 'h200'" kernels run conv2d/1 --card h20
  expect 2 '--shape 1,x: must be whole numbers' kernels run conv2d/1 --shape 1,x
  expect 2 "did you mean 'stride'" kernels run conv2d/1 --set strid=2
  expect 2 'name a kernel and a rung' kernels run
  succeed kernels conv2d
  grep -q '1 naive' out || complain "kernels conv2d names no rung: $(cat out)"
  succeed kernels run scale --shape 100
  grep -q 'result *right' out || complain "kernels run: $(cat out)"
  json_of_kernels=kernels
else
  expect 8 'no GPU kernels' kernels
  json_of_kernels=
fi

# --json: one value on stdout that starts and ends as one; nothing on stderr.
for command in 'op --list' 'models --size 32x32 --batch 1' 'inspect x.safetensors' doctor $json_of_kernels; do
  # shellcheck disable=SC2086
  succeed $command --json
  case $(head -c 1 out)$(tail -c 2 out | head -c 1) in
    '{}' | '[]') ;;
    *) complain "tinct $command --json is no JSON value: $(head -c 60 out)" ;;
  esac
  [ ! -s err ] || complain "tinct $command --json wrote to stderr: $(cat err)"
done

# A full disk is an error; a reader that goes away is not.
"$TINCT" op --list >/dev/full 2>err
[ $? -eq 6 ] || complain "writing to a full disk must exit with 6"
"$TINCT" op --list 2>err | head -1 >/dev/null
[ "${PIPESTATUS[0]}" -eq 0 ] || complain "a closed pipe must not be an error"
[ ! -s err ] || complain "a closed pipe must be silent: $(cat err)"

# Devices: what this build has computes the same; what it has not is one line with what to do.
expect 2 'device' op relu --device tpu --input x.safetensors -o y.safetensors
for precision in bf16 tf32; do
  expect 2 'the CPU has f32' op relu --precision $precision --input x.safetensors -o no
done
expect 2 'precision' op relu --precision f16 --input x.safetensors -o no
succeed doctor
kernels=$(sed -n 's/^ *GPU kernels *//p' out)
case $kernels in
  *simulator*)
    succeed op relu --input x.safetensors -o a --device cpu
    succeed op relu --input x.safetensors -o b --device sim
    cmp a b || complain "the simulator computes another ReLU"
    ;;
  *cards*)
    if command -v nvidia-smi >/dev/null; then
      succeed op relu --input x.safetensors -o a --device cpu
      succeed op relu --input x.safetensors -o b --device gpu
      cmp a b || complain "the card computes another ReLU"
    else
      expect 8 'GPU' op relu --device gpu --input x.safetensors -o y.safetensors
    fi
    ;;
  none) expect 8 'TINCT_GPU=sim' op relu --device sim --input x.safetensors -o y.safetensors ;;
  *) complain "doctor does not say what GPU kernels there are: $kernels" ;;
esac
case $kernels in
  *cards*) ;;
  *)
    for verb in 'op relu --input x.safetensors -o no' 'forward --model small --input x --repeat 1' \
      'train --data nowhere --out no' 'eval --data nowhere' 'colorize x.png'; do
      # shellcheck disable=SC2086
      expect 8 'TINCT_GPU=cuda' $verb --device gpu
    done
    [ ! -e no ] || complain "a refused device has left something"
    ;;
esac

# Models that cannot be merged leave nothing.
expect 2 'At least 2' merge small -o merged.safetensors
expect 4 'not a vgg-unet' merge small vgg -o merged.safetensors
[ ! -e merged.safetensors ] || complain "a refused merge has left a file"

# The thread count changes no bit.
succeed op bilinear_upsample --threads 1 --input x.safetensors -o a --set size=7,9
succeed op bilinear_upsample --threads 3 --input x.safetensors -o b --set size=7,9
cmp a b || complain "one and three threads differ"

[ "$failures" -eq 0 ] && echo "all promises kept"
exit $((failures > 0))
