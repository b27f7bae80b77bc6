#!/bin/sh
# clean.sh: remove logs, caches and backups of what was installed.
set -eu
rm -rf /var/log/*.log /var/log/apt /var/cache/apt/* /var/cache/debconf/*-old /var/cache/ldconfig \
  /var/lib/apt/lists/* /var/lib/dpkg/*-old /etc/passwd- /etc/group- /etc/shadow- /etc/gshadow-
find / -xdev -name __pycache__ -prune -exec rm -rf {} +
