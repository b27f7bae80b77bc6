#!/bin/sh
# distroless.sh ROOT PACKAGE...: unpack Debian packages without running them, as distroless images
# have them: files, and what dpkg knows of each as a file of its own in `status.d`.
set -eu
root=$1
shift
mkdir -p /debs "$root/var/lib/dpkg/status.d"
cd /debs
apt-get -qq update
apt-get -qq -o APT::Sandbox::User=root download "$@"
for package in "$@"; do
  deb=$(echo /debs/"$package"_*.deb)
  dpkg-deb --extract "$deb" "$root"
  dpkg-deb --field "$deb" > "$root/var/lib/dpkg/status.d/$package"
done
rm -rf /debs "$root/usr/share/doc" "$root/usr/share/man" "$root/usr/share/locale"
