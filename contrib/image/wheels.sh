#!/bin/sh
# wheels.sh fetch: fetch what Jettison needs, and what builds it, checked by hashes.
# wheels.sh install DIR: build Jettison, and install it with what it needs, but no bytecode.
set -eu
[ -n "${PIP_INDEX_URL-}" ] || unset PIP_INDEX_URL
export PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
case $1 in
  fetch)
    pip download --quiet --require-hashes --only-binary :all: -d wheels -r requirements/runtime.txt
    python3 -m venv tools
    tools/bin/pip install --quiet --no-index --find-links wheels hatchling
    ;;
  install)
    tools/bin/python -m hatchling build -t wheel -d dist
    pip install --quiet --no-compile --no-index --find-links wheels --target "$2" dist/*.whl
    rm -rf "${2:?}/bin"
    ;;
esac
