#!/bin/sh
# python-closure.sh OUT: copy Python and every library that it loads, and nothing else of Debian.
set -eu
python=/usr/lib/python3.11
libraries=$(ldd /usr/bin/python3.11 "$python"/lib-dynload/*.so \
  | sed -n 's/.* => \(\/[^ ]*\).*/\1/p; s/^[[:space:]]*\(\/[^ ]*ld-linux[^ ]*\) .*/\1/p' | sort -u)
mkdir -p "$1/usr/bin" "$1/usr/lib"
cp -a /usr/bin/python3.11 "$1/usr/bin/"
cp -a "$python" "$1/usr/lib/"
rm -rf "$1$python/lib2to3" "$1$python/pydoc_data" "$1$python"/config-3.11-*
for library in $libraries; do
  mkdir -p "$1${library%/*}"
  cp -L --preserve=mode,timestamps "$library" "$1$library"
done
mkdir -p "$1/usr/local" "$1/usr/share"
cp -a /usr/local/bin /usr/local/lib "$1/usr/local/"
cp -a /usr/share/python-wheels /usr/share/zoneinfo "$1/usr/share/"
