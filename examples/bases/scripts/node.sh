#!/bin/sh
# node.sh: finish an image of node: commands on the search path, and the user `node`.
set -eu
modules=/usr/local/lib/node_modules
chmod 0755 /usr/local/bin/node "$modules"/npm/bin/*-cli.js /opt/yarn/bin/yarn.js
ln -s node /usr/local/bin/nodejs
ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx
if [ -d "$modules/corepack" ]; then
  ln -s ../lib/node_modules/corepack/dist/corepack.js /usr/local/bin/corepack
fi
for name in yarn yarnpkg; do
  ln -s /opt/yarn/bin/yarn.js "/usr/local/bin/$name"
done
echo 'node:x:1000:1000::/home/node:/bin/sh' >> /etc/passwd
echo 'node:x:1000:' >> /etc/group
echo 'node:!:20000:0:99999:7:::' >> /etc/shadow
mkdir /home/node
chown 1000:1000 /home/node
chmod 0700 /home/node
node --version
npm --version
yarn --version
rm -rf /root/.npm /root/.yarnrc /root/.cache /tmp/*
