#!/bin/bash
# Builds what tools/gpu-check.sh needs on a machine that has a card and no compiler, into .gpu-pack/:
# test programs, benchmarks and tinct with code for sm_80 and sm_90a, photographs, the third-party
# libraries that Debian has as shared ones alone. Then starts every program.
# Usage: tools/gpu-pack.sh [--photos DIR]   photographs to train on (default: samples/)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
readonly build=build/gpu-pack pack=.gpu-pack
readonly most_bytes=$((24 << 20)) photo_bytes=$((6 << 20))
readonly wanted=(tinct test_gpu test_core test_layers test_models test_train test_tools
  tinct_gpu_bench tinct_gpu_train_step tinct_hopper_probe)

photos=samples
mkdir -p "$pack"
case ${1:-} in
  '') ;;
  --photos) photos=${2:?--photos needs a folder} ;;
  *)
    sed -n '/^# Usage/s/^# //p' "$0" >&2
    exit 2
    ;;
esac

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir -p "$stage/lib" "$stage/photos"

cmake --preset gpu-pack >"$pack/configure.log" 2>&1 || { cat "$pack/configure.log"; exit 1; }
known=$(ninja -C "$build" -t targets all)
programs=()
for program in "${wanted[@]}"; do
  grep -qE "^$program:" <<<"$known" && programs+=("$program") || echo "this tree builds no $program"
done
cmake --build "$build" --target "${programs[@]}"

for program in "${programs[@]}"; do
  strip -o "$stage/$program" "$build/$program"
  # The compiler's and the system's own are there, and CUDA's come with the toolkit.
  ldd "$build/$program" | awk '
    $2 == "=>" && $3 ~ /^\// && $1 !~ /^lib(c|m|dl|rt|pthread|stdc\+\+|gcc_s|cu[a-zA-Z]*)\.so/ { print $3 }' |
    xargs -r cp -Lt "$stage/lib"
done
git rev-parse HEAD >"$stage/commit" 2>/dev/null || echo unknown >"$stage/commit"

# As many photographs as there is room for, spread over the folder.
find "$photos" -iregex '.*\.\(jpe?g\|png\|webp\)' -printf '%s\t%p\n' | LC_ALL=C sort -k2 |
  awk -F'\t' -v room="$photo_bytes" '
    { size[NR] = $1; name[NR] = $2; all += $1 }
    END {
      step = all > room ? all / room : 1
      for (i = 1; i <= NR; i += step) if ((used += size[int(i)]) <= room) print name[int(i)]
    }' >"$pack/photos.txt"
number=0
while read -r photo; do
  number=$((number + 1))
  cp "$photo" "$stage/photos/$(printf '%05d' "$number")-$(basename "$photo")"
done <"$pack/photos.txt"

# One archive with a window that spans it: the programs hold the same kernels.
tar -C "$stage" -c . | xz -T1 --lzma2=preset=9,dict=256MiB >"$pack/programs.tar.xz"
size=$(stat -c %s "$pack/programs.tar.xz")
echo "$pack/programs.tar.xz: $((size >> 10)) KiB, $(du -sk "$stage" | cut -f1) KiB unpacked, $(find "$stage/photos" -type f | wc -l) photographs"
if [ "$size" -gt "$most_bytes" ]; then
  echo "that is more than $((most_bytes >> 20)) MiB" >&2
  exit 1
fi

# starts WORDS…: without a card, one line that says so and exit code 8; with one, no crash.
starts() {
  local said status=0
  said=$("$@" 2>&1 </dev/null) || status=$?
  if ! command -v nvidia-smi >/dev/null; then
    [ "$status" -eq 8 ] && [ "$(wc -l <<<"$said")" -eq 1 ] && grep -qiE 'no (NVIDIA )?GPU' <<<"$said"
  else
    [ "$status" -lt 126 ]
  fi || { printf 'it does not start as it should (exit %d): %s\n%s\n' "$status" "$*" "$said" >&2; return 1; }
  printf '%-20s starts: %s\n' "$(basename "$1")" "$(head -1 <<<"$said")"
}

failed=0
for program in "${programs[@]}"; do
  case $program in
    tinct) arguments=(train --preset unet-small --data none --out none --device gpu) ;;
    tinct_gpu_train_step) arguments=(unet-small none none none --device gpu) ;;
    *) arguments=() ;;
  esac
  starts "$stage/$program" "${arguments[@]}" || failed=1
done
exit "$failed"
