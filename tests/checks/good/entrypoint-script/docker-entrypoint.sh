#!/bin/sh
set -eu

# options alone are those of the program
if [ "${1#-}" != "$1" ]; then
  set -- true "$@"
fi
if [ "$1" = migrate ]; then
  shift
  exec "$APP_HOME/bin/migrate" "$@"
fi
case "${MODE:-web}" in
  web) echo "in $APP_HOME" ;;
  worker) exec worker --queue "$QUEUE" ;;
esac
[ -f /etc/app.env ] && . /etc/app.env
file=$(mktemp)
command -v jq >/dev/null && jq . <"$file"
trap 'rm -f "$file"' EXIT
exec "$@"
