#!/bin/sh
# go.sh DEBS VERSION OUT: fetch a Go distribution as the module that it is published as.
set -eu
mkdir -p /boot-go "$3"
dpkg-deb --fsys-tarfile "$1"/golang-*-go_*.deb | tar -x -C /boot-go --wildcards './usr/lib/go-*/bin/go'
mkdir -p /boot-go/root/pkg
export GOROOT=/boot-go/root GOPATH=/fetched GOCACHE=/fetched/cache GOFLAGS=-modcacherw HOME=/fetched
# An empty value is a setting of its own to Go.
[ -n "${GOPROXY-}" ] || unset GOPROXY
[ -n "${GOSUMDB-}" ] || unset GOSUMDB
module="golang.org/toolchain@v0.0.1-go$2.linux-$(dpkg --print-architecture)"
/boot-go/usr/lib/go-*/bin/go mod download "$module"
cp -a "/fetched/pkg/mod/$module/." "$3"
chmod -R u+w,a+rX "$3"
rm -rf "$3/test" "$3/api" "$3/doc"
chmod 0755 "$3"/bin/* "$3"/pkg/tool/*/*
