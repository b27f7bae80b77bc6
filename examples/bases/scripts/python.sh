#!/bin/sh
# python.sh: give Debian's Python the places and the pip of the official image.
set -eu
site=/usr/local/lib/python3.11/site-packages
mkdir -p "$site"
ln -s site-packages /usr/local/lib/python3.11/dist-packages
for name in python3.11 python3 python; do
  ln -s /usr/bin/python3.11 "/usr/local/bin/$name"
done
rm -f /usr/lib/python3.11/EXTERNALLY-MANAGED
wheels=/usr/share/python-wheels
pip=$(echo "$wheels"/pip-*.whl)
PIP_ROOT_USER_ACTION=ignore python "$pip/pip" install --quiet --no-compile --no-index \
  --disable-pip-version-check --find-links "$wheels" pip setuptools
/scripts/clean.sh
