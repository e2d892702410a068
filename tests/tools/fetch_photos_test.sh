#!/bin/bash
# tools/fetch-photos.sh against packages built here, served by a stand-in for apt-get.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
command -v dpkg-deb >/dev/null || { echo "skipped: no dpkg-deb"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() {
  echo "FAILED: $*"
  exit 1
}
expect() { [ "$1" = "$2" ] || fail "expected '$2', got '$1'"; }

# A resource bundle with one file, "pictures/a.webp", holding "webp bytes".
bundle() {
  perl -e '
    sub name { my ($s) = @_; pack("n N", length $s, 0) . pack("n*", map { ord } split //, $s) }
    my $names = name("pictures") . name("a.webp");
    my $second = length name("pictures");
    my $data = pack("N", 10) . "webp bytes";
    my $tree = pack("N n N N", 0, 2, 1, 1) . pack("N n N N", 0, 2, 1, 2)
      . pack("N n n n N", $second, 0, 0, 0, 0);
    my $head = 20;
    print "qres", pack("N N N N", 1, $head, $head + length $tree,
      $head + length($tree) + length $data), $tree, $data, $names;'
}

package() {
  mkdir -p "$work/$1/DEBIAN"
  printf 'Package: %s\nVersion: 1\nArchitecture: all\nMaintainer: t <t@example.org>\nDescription: t\n' \
    "$1" >"$work/$1/DEBIAN/control"
  dpkg-deb --root-owner-group -b "$work/$1" "$work/served/$1_1_all.deb" >/dev/null
}
mkdir -p "$work/served" "$work/bin" "$work/one/usr/share/x y" "$work/one/usr/share/doc/one" "$work/two/usr"
echo "first" >"$work/one/usr/share/x y/p.jpg"
echo "free" >"$work/one/usr/share/doc/one/copyright"
ln -s /etc/passwd "$work/one/usr/share/link.jpg"
bundle >"$work/two/usr/pictures.rcc"
package one
package two

cat >"$work/bin/apt-get" <<EOF
#!/bin/bash
for word; do package=\$word; done
echo "\$*" >>"$work/calls"
case " \$* " in
  *" update "*) ;;
  *" download "*)
    cp "$work/served/\${package}_1_all.deb" . 2>/dev/null ||
      { echo "E: Unable to locate package \$package" >&2; exit 100; } ;;
esac
EOF
printf '#!/bin/sh\nexit 0\n' >"$work/bin/apt-cache"
chmod +x "$work/bin/"*
{
  printf 'split\tpackage\tfile\tpath\n'
  printf 'train\tone\tone_0.jpg\tusr/share/x y/p.jpg\n'
  printf 'train\tone\tone_1.jpg\tusr/share/gone.jpg\n'
  printf 'train\tone\tone_2.jpg\tusr/share/link.jpg\n'
  printf 'val\ttwo\ttwo_0.webp\tusr/pictures.rcc!pictures/a.webp\n'
  printf 'val\tthree\tthree_0.jpg\tusr/a.jpg\n'
} >"$work/list"
run() { PATH=$work/bin:$PATH "$root/tools/fetch-photos.sh" --list "$work/list" "$@" 2>"$work/said"; }

run "$work/photos" || fail "$(cat "$work/said")"
expect "$(cat "$work/photos/one/one_0.jpg")" first
expect "$(cat "$work/photos/two/two_0.webp")" "webp bytes"
expect "$(cat "$work/photos/val.txt")" two
expect "$(cat "$work/photos/one/copyright")" free
expect "$(find "$work/photos" -type f | wc -l)" 4
grep -q "one: 1 photographs.*, 2 not in this version" "$work/said" || fail "$(cat "$work/said")"
grep -q "three: skipped.*Unable to locate" "$work/said" || fail "$(cat "$work/said")"
grep -q "2 photographs in" "$work/said" || fail "$(cat "$work/said")"

# What is there is not fetched again.
: >"$work/calls"
run --packages two "$work/photos"
expect "$(cat "$work/calls")" ""
rm "$work/photos/two/two_0.webp"
run --packages two "$work/photos"
expect "$(cat "$work/photos/two/two_0.webp")" "webp bytes"

code=0
run --packages three "$work/none" || code=$?
expect "$code" 1
for wrong in "--packages nowhere $work/x" "--oops" "" "$work/a $work/b" "--packages"; do
  code=0
  # shellcheck disable=SC2086
  run $wrong || code=$?
  expect "$code" 2
done
expect "$(awk 'NR > 1' "$root/tools/photos.tsv" | wc -l)" 736
expect "$(awk 'NR > 1 { print $2 "/" $3 }' "$root/tools/photos.tsv" | sort | uniq -d)" ""
