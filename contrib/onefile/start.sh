#!/bin/sh
# Jettison with its own Python, for Linux on @ARCH@. The first start unpacks the archive behind this
# script into $XDG_CACHE_HOME/jettison/program; JETTISON_PROGRAM names another directory. What is
# there may be deleted at any time.
begin=@BEGIN@
room=@ROOM@
most=@MOST@
home=${JETTISON_PROGRAM:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/jettison/program}
place=$home/@ID@
if [ ! -e "$place/start.py" ]; then
  fail() {
    echo "ERROR: $1" >&2
    echo "hint: $2" >&2
    exit 5
  }
  case $(uname -m) in
    @ARCH@) ;;
    *) fail "this file is for @ARCH@, not for $(uname -m)" "take the file for this machine" ;;
  esac
  case $home in
    /*) ;;
    *) fail "\`$home\` is no absolute path" "set JETTISON_PROGRAM to one" ;;
  esac
  [ "${#place}" -lt "$most" ] || fail "\`$place\` is too long" "set JETTISON_PROGRAM to a shorter path"
  mkdir -p "$home" || fail "\`$home\` cannot be made" "set JETTISON_PROGRAM to a directory that can be written"
  new=$(mktemp -d "$home/.new.XXXXXX") || fail "\`$home\` cannot be written" "set JETTISON_PROGRAM to another directory"
  trap 'rm -rf "$new"' EXIT
  tail -c "+$begin" "$0" | tar -xzf - -C "$new" || fail "\`$0\` cannot be unpacked into \`$new\`" "look whether tar and gzip are installed, and the disk has room"
  # The program names its loader by an absolute path, which is known only now.
  printf '%s' "$place/lib/ld.so" | dd of="$new/bin/python3.11" bs=1 seek="$room" conv=notrunc 2> /dev/null
  chmod 755 "$new"
  mv "$new" "$place" 2> /dev/null || [ -e "$place/start.py" ] || fail "\`$place\` cannot be made" "set JETTISON_PROGRAM to another directory"
  trap - EXIT
  rm -rf "$new"
fi
exec "$place/bin/python3.11" -IS "$place/start.py" "$@"
exit
