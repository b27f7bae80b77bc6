#!/bin/sh
set -e
if [ "$1" = help ]; then
  exit 1
fi
exec serve "$@"
