# What the fetch scripts share; to be sourced. Their first comment is their help.
dest=''

say() { printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2; }
die() {
  say "$1"
  exit "${2:-1}"
}

# What is no option of the script's own: --help, or where to put things, once.
other_argument() {
  case $1 in
    -h | --help)
      sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"
      exit 0
      ;;
    -*) die "unknown option $1; see --help" 2 ;;
    *)
      [ -z "$dest" ] || die "unexpected argument $1; see --help" 2
      dest=$1
      ;;
  esac
}
