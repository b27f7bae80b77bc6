#!/bin/sh
# alpine.sh: give busybox's tree the directories and accounts of Alpine Linux.
set -eu
mkdir -p /etc/ssl/certs /lib /media /mnt /opt /run /sbin /srv /usr/lib /usr/local/bin /usr/local/lib \
  /var/cache /var/lib /var/log
mkdir -p -m 1777 /var/tmp
ln -s ../run /var/run
ln -s certs/ca-certificates.crt /etc/ssl/cert.pem
cat > /etc/passwd <<'END'
root:x:0:0:root:/root:/bin/sh
bin:x:1:1:bin:/bin:/sbin/nologin
daemon:x:2:2:daemon:/sbin:/sbin/nologin
nobody:x:65534:65534:nobody:/:/sbin/nologin
END
cat > /etc/group <<'END'
root:x:0:root
bin:x:1:root,bin,daemon
daemon:x:2:root,bin,daemon
adm:x:4:root,daemon
tty:x:5:
mail:x:12:
users:x:100:
nogroup:x:65533:
nobody:x:65534:
END
