#!/bin/bash
# Brings real photographs, the originals, out of Debian packages: downloaded, unpacked, nothing
# installed. Usage: tools/fetch-photos.sh [--small | --packages A,B] [--list FILE] DEST
#   --small        two packages of 18: 266 photographs for a download of 48 MB instead of 556
#   --packages A,B only these of the list's packages
#   --list FILE    another list than tools/photos.tsv: split, package, file, path, tabs between them,
#                  a header line; a path into a Qt resource bundle is BUNDLE!NAME
# Leaves DEST/PACKAGE/*.jpg|png|webp, each package's copyright file beside them, and DEST/val.txt,
# the packages to validate on:
#   tinct prepare DEST -o DATA --val-list DEST/val.txt
# What is there already is not fetched again; what cannot be had is said and skipped.
set -uo pipefail
tools=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tools/fetch-common.sh
. "$tools/fetch-common.sh"
list=$tools/photos.tsv
small=gcompris-qt-data,gnome-control-center-data

packages=''
while [ $# -gt 0 ]; do
  case $1 in
    --small) packages=$small ;;
    --packages)
      [ $# -gt 1 ] || die "--packages needs a list" 2
      packages=$2
      shift
      ;;
    --list)
      [ -r "${2:-}" ] || die "--list needs a file that can be read" 2
      list=$2
      shift
      ;;
    *) other_argument "$1" ;;
  esac
  shift
done
[ -n "$dest" ] || die "where to? see --help" 2
[ -r "$list" ] || die "cannot read $list" 6

mapfile -t known < <(tail -n +2 "$list" | cut -f2 | sort -u)
if [ -n "$packages" ]; then
  IFS=, read -ra wanted <<<"$packages"
  for package in "${wanted[@]}"; do
    printf '%s\n' "${known[@]}" | grep -qxF -- "$package" ||
      die "no package $package in $list; there are: ${known[*]}" 2
  done
else
  wanted=("${known[@]}")
fi
for program in apt-get apt-cache dpkg-deb tar; do
  command -v "$program" >/dev/null || die "$program is missing: this needs Debian or a relative"
done
mkdir -p "$dest" || exit 6
dest=$(cd "$dest" && pwd)
work=$(mktemp -d "$dest/.fetch-XXXXXX") || exit 6
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Root's apt may not drop to a user who cannot write here; another user cannot write apt's lists.
apt_options=()
[ "$(id -u)" -ne 0 ] || apt_options=(-o APT::Sandbox::User=root)
lists_ready=''
known_to_apt() { apt-cache "${apt_options[@]}" show "$1" >/dev/null 2>&1; }
update_lists() {
  [ -z "$lists_ready" ] || return 0
  lists_ready=yes
  say "apt-get update"
  if [ "$(id -u)" -ne 0 ]; then
    mkdir -p "$work/apt/lists/partial" "$work/apt/cache/archives/partial"
    apt_options+=(-o "Dir::State::Lists=$work/apt/lists" -o "Dir::Cache=$work/apt/cache")
  fi
  apt-get "${apt_options[@]}" update -qq >/dev/null || say "apt-get update failed"
}

# The rows of a package: file TAB path.
rows() { awk -F'\t' -v package="$1" 'NR > 1 && $2 == package { print $3 "\t" $4 }' "$list"; }

missing_in() {
  rows "$1" | while IFS=$'\t' read -r file _; do [ -s "$dest/$1/$file" ] || echo "$file"; done
}

# Takes what the list names out of the package's archive, bundles apart, into $work/unpacked.
unpack() {
  local package=$1 archive=$2
  rm -rf "$work/unpacked"
  mkdir -p "$work/unpacked"
  {
    rows "$package" | cut -f2 | sed 's/!.*//' | sort -u
    echo "usr/share/doc/$package/copyright"
  } | sed 's|^|./|' >"$work/members"
  # tar fails for each member that is not there; which ones is seen below.
  dpkg-deb --fsys-tarfile "$archive" |
    tar -x -C "$work/unpacked" --no-same-owner --files-from="$work/members" 2>/dev/null
  rows "$package" | cut -f2 | sed -n 's/!.*//p' | sort -u | while read -r bundle; do
    [ -f "$work/unpacked/$bundle" ] || continue
    perl "$tools/unpack-rcc.pl" "$work/unpacked/$bundle" "$work/unpacked/$bundle!" ||
      say "$package: $bundle cannot be unpacked"
  done
}

fetch() {
  local package=$1 archive file path absent
  [ -n "$(missing_in "$package")" ] || return 0
  known_to_apt "$package" || update_lists
  rm -f "$work"/*.deb
  if ! (cd "$work" && apt-get "${apt_options[@]}" download -qq "$package" >/dev/null 2>apt.log); then
    # Lists that are out of date name files that are gone.
    update_lists
    if ! (cd "$work" && apt-get "${apt_options[@]}" download -qq "$package" >/dev/null 2>apt.log); then
      say "$package: skipped, apt cannot bring it: $(grep -m1 '^E:' "$work/apt.log")"
      return 0
    fi
  fi
  archive=$(ls "$work"/*.deb)
  unpack "$package" "$archive"
  mkdir -p "$dest/$package"
  cp "$work/unpacked/usr/share/doc/$package/copyright" "$dest/$package/" 2>/dev/null
  while IFS=$'\t' read -r file path; do
    path=$work/unpacked/${path/!/!/}
    [ -f "$path" ] && [ ! -L "$path" ] || continue
    mv -f "$path" "$dest/$package/$file" || die "cannot write $dest/$package/$file" 6
  done < <(rows "$package")
  absent=$(missing_in "$package" | wc -l)
  say "$package: $(($(rows "$package" | wc -l) - absent)) photographs" \
    "($(($(stat -c %s "$archive") / 1000000)) MB fetched)$([ "$absent" -eq 0 ] ||
      echo ", $absent not in this version of the package")"
}

for package in "${wanted[@]}"; do fetch "$package"; done

total=0
: >"$work/val.txt"
for package in "${known[@]}"; do
  count=$(($(rows "$package" | wc -l) - $(missing_in "$package" | wc -l)))
  total=$((total + count))
  split=$(awk -F'\t' -v package="$package" '$2 == package { print $1; exit }' "$list")
  [ "$split" != val ] || [ "$count" -eq 0 ] || echo "$package" >>"$work/val.txt"
done
[ "$total" -gt 0 ] || die "no photograph could be fetched"
mv -f "$work/val.txt" "$dest/val.txt"
say "$total photographs in $dest"
