#!/bin/bash
# Installs the Debian packages that tinct needs and that are missing; asks nothing, and does nothing
# when all are there. Usage: tools/install-deps.sh [--list]
set -euo pipefail

required=(
  g++ cmake ninja-build pkg-config git make ca-certificates
  libhwy-dev libjpeg62-turbo-dev libpng-dev libwebp-dev zlib1g-dev liblcms2-dev
  libcli11-dev nlohmann-json3-dev libtomlplusplus-dev catch2
  clang-format clang-tidy
)
# Without these everything works, but a benchmark's other column or a rebuild's speed.
optional=(libdnnl-dev ccache)

if [ "${1:-}" = --list ]; then
  printf '%s\n' "${required[@]}" "${optional[@]}"
  exit 0
fi

have() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

missing() {
  local package
  for package in "$@"; do have "$package" || echo "$package"; done
}

if ! command -v dpkg-query >/dev/null; then
  echo "install-deps: this is no Debian; install the equivalents of: ${required[*]}" >&2
  exit 0
fi
mapfile -t needed < <(missing "${required[@]}")
mapfile -t wanted < <(missing "${optional[@]}")
[ $((${#needed[@]} + ${#wanted[@]})) -gt 0 ] || exit 0
# What is only wanted is no reason to touch a machine that can build already.
[ ${#needed[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "install-deps: missing ${needed[*]}; install them as root" >&2
    exit 1
  fi
  as_root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
install() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends -o Dpkg::Use-Pty=0 "$@" >/dev/null
}
known() { apt-cache show --no-all-versions "$@" >/dev/null 2>&1; }

echo "installing: ${needed[*]} ${wanted[*]}" >&2
if ! known "${needed[@]}"; then
  "${as_root[@]}" apt-get update -qq
fi
install "${needed[@]}" || { "${as_root[@]}" apt-get update -qq && install "${needed[@]}"; }
for package in "${wanted[@]}"; do
  install "$package" || echo "install-deps: optional $package could not be installed" >&2
done
