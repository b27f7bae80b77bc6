#!/bin/busybox sh
# unpack.sh DEBS ROOT: unpack packages into a merged-/usr tree, without installing them.
set -eu
for dir in bin sbin lib lib32 lib64 libx32; do
  mkdir -p "$2/usr/$dir"
  ln -s "usr/$dir" "$2/$dir"
done
for package in "$1"/*.deb; do
  /bin/busybox dpkg-deb -x "$package" "$2"
done

# What dpkg is told to leave out (path-exclude) when it installs the packages over this tree.
cd "$2/usr/share"
rm -rf info lintian locale man
find doc ! -type d ! -name copyright -exec rm -f {} +
