#!/bin/sh
# Arguments that are no program, such as flags and scripts, go to node.
set -e
case ${1-} in
  '' | -*) set -- node "$@" ;;
  *) [ -n "$(command -v -- "$1")" ] && ! { [ -f "$1" ] && [ ! -x "$1" ]; } || set -- node "$@" ;;
esac
exec "$@"
