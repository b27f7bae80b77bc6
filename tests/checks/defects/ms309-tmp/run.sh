#!/bin/sh
set -e
mktemp >/dev/null
mktemp
