#!/bin/sh
# install.sh DEBS: install packages in any order, and leave nothing behind that differs by the day.
set -eu
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
dpkg --force-depends --install "$1"/*.deb > "$log" 2>&1 || { cat "$log"; exit 1; }
/scripts/clean.sh
rm -f "$log"
