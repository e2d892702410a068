#!/bin/bash
# A file system that is really full: colorize, prepare and train each say so in one line with exit
# code 6, leave no half-written file, and harm nothing that was there. TINCT is the program. Needs a
# mount of its own, in a namespace that ends with the script; skipped where that is not permitted.
set -uo pipefail
: "${TINCT:?the path of tinct}"
root=$(cd "$(dirname "$0")/../.." && pwd)
if [ "${1:-}" != inside ]; then
  # shellcheck disable=SC2016
  if ! unshare -Urm sh -c 'd=$(mktemp -d) && mount -t tmpfs -o size=64k none "$d"' 2>/dev/null; then
    echo "skipped: unshare and mount are not permitted here"
    exit 0
  fi
  exec unshare -Urm "$0" inside
fi

work=$(mktemp -d)
trap 'umount "$work/disk"; rm -rf "$work"' EXIT
mkdir "$work/disk"
mount -t tmpfs -o size=64k none "$work/disk" || exit 1
failures=0
complain() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

# empty_disk: nothing on it but kept.txt, whose content must survive.
empty_disk() {
  find "$work/disk" -mindepth 1 -delete
  echo precious >"$work/disk/kept.txt"
}

# full WHAT ARGUMENTS…: tinct WHAT must fail for want of space, in one line, and leave nothing.
full() {
  local status
  "$TINCT" "$@" --quiet >"$work/out" 2>"$work/err" </dev/null
  status=$?
  [ "$status" -eq 6 ] || complain "tinct $1: exit $status, not 6: $(cat "$work/err")"
  grep -qE 'No space left on device|needed for a checkpoint' "$work/err" || complain "tinct $1 says: $(cat "$work/err")"
  [ "$(wc -l <"$work/err")" -eq 1 ] || complain "tinct $1 says not one line: $(cat "$work/err")"
  [ "$(cat "$work/disk/kept.txt")" = precious ] || complain "tinct $1 harmed what was there"
}
# only NAME…: nothing else is on the disk.
only() {
  local left
  left=$(cd "$work/disk" && find . -mindepth 1 | sort | tr '\n' ' ')
  [ "$left" = "$* " ] || complain "left on the disk: $left"
}

photo=$root/samples/cat.jpg
empty_disk
full colorize "$photo" -o "$work/disk/cat.png"
only ./kept.txt
# Full to the last byte; what stood there stays as it was.
echo old >"$work/disk/cat.png"
cat /dev/zero >"$work/disk/filler" 2>/dev/null
full colorize "$photo" -o "$work/disk/cat.png" --force
only ./cat.png ./filler ./kept.txt
[ "$(cat "$work/disk/cat.png")" = old ] || complain "colorize harmed the older picture"

empty_disk
full prepare "$root/samples" -o "$work/disk/data"
only ./kept.txt

"$TINCT" prepare "$root/samples" -o "$work/data" --size 96 --holdout 0.3 --quiet >/dev/null ||
  complain "prepare"
train=(train --preset unet-small --data "$work/data" --out "$work/disk/run" -o data.crop=32
  -o train.batch=1 -o train.validate_size=64 -o train.sample_every=0 -o train.checkpoint_every=2)
empty_disk
full "${train[@]}" -o train.steps=2
[ -z "$(find "$work/disk" -name '*.safetensors' -o -name '*tmp*')" ] ||
  complain "train left $(find "$work/disk" -type f)"

# Room for one checkpoint, then for none: the first one survives, whole, and is resumed from.
mount -t tmpfs -o size=160m none "$work/disk" || exit 1
echo precious >"$work/disk/kept.txt"
"$TINCT" "${train[@]}" -o train.steps=2 --quiet >"$work/out" 2>&1 ||
  complain "train on a small disk: $(cat "$work/out")"
dd if=/dev/zero of="$work/disk/filler" bs=64k 2>/dev/null
full "${train[@]}" --resume -o train.steps=4
"$TINCT" inspect "$work/disk/run/last.safetensors" >"$work/out" 2>&1 ||
  complain "the checkpoint from before: $(cat "$work/out")"
rm "$work/disk/filler"
"$TINCT" "${train[@]}" --resume -o train.steps=4 >"$work/out" 2>&1 || complain "$(cat "$work/out")"
grep -q 'going on from step 2' "$work/out" || complain "not resumed: $(cat "$work/out")"
umount "$work/disk"

[ "$failures" -eq 0 ] && echo "nothing half-written"
exit $((failures > 0))
