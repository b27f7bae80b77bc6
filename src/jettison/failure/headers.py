"""Which package has a header, a pkg-config module or a library, by the family of the distribution.

In:  the path of a header, the name of a module or library.
Out: names of packages by family; empty where none is known.

Names are those of Debian 12, Alpine 3.20 and Fedora 40.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_ROWS = """
openssl/|openssl|ssl|crypto|libssl|libcrypto = libssl-dev openssl-dev openssl-devel
python.h|pyconfig.h = python3-dev python3-dev python3-devel
ruby.h|ruby/ = ruby-dev ruby-dev ruby-devel
jni.h = default-jdk-headless openjdk17 java-17-openjdk-devel
ffi.h|ffi|libffi = libffi-dev libffi-dev libffi-devel
zlib.h|zconf.h|z|zlib = zlib1g-dev zlib-dev zlib-devel
bzlib.h|bz2 = libbz2-dev bzip2-dev bzip2-devel
lzma.h|lzma|liblzma = liblzma-dev xz-dev xz-devel
zstd.h|zstd|libzstd = libzstd-dev zstd-dev libzstd-devel
lz4.h|lz4|liblz4 = liblz4-dev lz4-dev lz4-devel
snappy-c.h|snappy.h|snappy = libsnappy-dev snappy-dev snappy-devel
libxml/|libxml2|libxml-2.0|xml2 = libxml2-dev libxml2-dev libxml2-devel
libxslt/|libxslt|xslt = libxslt1-dev libxslt-dev libxslt-devel
expat.h|expat = libexpat1-dev expat-dev expat-devel
yaml.h|yaml|yaml-0.1|libyaml = libyaml-dev yaml-dev libyaml-devel
jpeglib.h|jpeg|libjpeg = libjpeg-dev jpeg-dev libjpeg-turbo-devel
png.h|png|libpng = libpng-dev libpng-dev libpng-devel
tiffio.h|libtiff-4|tiff = libtiff-dev tiff-dev libtiff-devel
webp/|libwebp|webp = libwebp-dev libwebp-dev libwebp-devel
ft2build.h|freetype/|freetype2|freetype = libfreetype-dev freetype-dev freetype-devel
fontconfig/|fontconfig = libfontconfig-dev fontconfig-dev fontconfig-devel
cairo.h|cairo/|cairo = libcairo2-dev cairo-dev cairo-devel
pango/|pangocairo|pango = libpango1.0-dev pango-dev pango-devel
glib.h|glib/|glib-2.0|gobject-2.0|gio-2.0 = libglib2.0-dev glib-dev glib2-devel
gtk/|gtk+-3.0|gtk+-2.0 = libgtk-3-dev gtk+3.0-dev gtk3-devel
gobject-introspection-1.0 = libgirepository1.0-dev gobject-introspection-dev gobject-introspection-devel
gdk-pixbuf/|gdk-pixbuf-2.0 = libgdk-pixbuf-2.0-dev gdk-pixbuf-dev gdk-pixbuf2-devel
librsvg/|librsvg-2.0 = librsvg2-dev librsvg-dev librsvg2-devel
x11/|x11|xlib.h = libx11-dev libx11-dev libX11-devel
gl/gl.h|gl/|gl = libgl-dev mesa-dev mesa-libGL-devel
curl/|curl|libcurl = libcurl4-openssl-dev curl-dev libcurl-devel
libpq-fe.h|libpq|pq|postgresql = libpq-dev libpq-dev libpq-devel
postgres.h = postgresql-server-dev-all postgresql-dev postgresql-server-devel
mysql.h|mysql/|mysqlclient|mysqld = default-libmysqlclient-dev mariadb-dev mariadb-connector-c-devel
sqlite3.h|sqlite3 = libsqlite3-dev sqlite-dev sqlite-devel
sql.h|sqlext.h|odbc = unixodbc-dev unixodbc-dev unixODBC-devel
sybdb.h|sybfront.h|sybdb = freetds-dev freetds-dev freetds-devel
lber.h|ldap.h|lber|ldap = libldap2-dev openldap-dev openldap-devel
sasl/|sasl2 = libsasl2-dev cyrus-sasl-dev cyrus-sasl-devel
krb5.h|krb5|gssapi/|gssapi.h = libkrb5-dev krb5-dev krb5-devel
gmp.h|gmp = libgmp-dev gmp-dev gmp-devel
mpfr.h|mpfr = libmpfr-dev mpfr-dev mpfr-devel
readline/|readline = libreadline-dev readline-dev readline-devel
ncurses.h|curses.h|ncurses|tinfo|term.h = libncurses-dev ncurses-dev ncurses-devel
uuid/|uuid|uuid.h = uuid-dev util-linux-dev libuuid-devel
pcap.h|pcap|pcap/ = libpcap-dev libpcap-dev libpcap-devel
libusb.h|libusb-1.0|libusb-1.0/ = libusb-1.0-0-dev libusb-dev libusb1-devel
libudev.h|libudev|udev = libudev-dev eudev-dev systemd-devel
systemd/|libsystemd = libsystemd-dev elogind-dev systemd-devel
dbus/|dbus-1 = libdbus-1-dev dbus-dev dbus-devel
alsa/|alsa|asound = libasound2-dev alsa-lib-dev alsa-lib-devel
portaudio.h|portaudio = portaudio19-dev portaudio-dev portaudio-devel
sndfile.h|sndfile = libsndfile1-dev libsndfile-dev libsndfile-devel
zmq.h|zmq|libzmq = libzmq3-dev zeromq-dev zeromq-devel
event.h|event2/|libevent|event = libevent-dev libevent-dev libevent-devel
ev.h|ev|libev = libev-dev libev-dev libev-devel
uv.h|uv|libuv = libuv1-dev libuv-dev libuv-devel
pcre.h|pcre|libpcre = libpcre3-dev pcre-dev pcre-devel
pcre2.h|pcre2|libpcre2-8 = libpcre2-dev pcre2-dev pcre2-devel
oniguruma.h|oniguruma = libonig-dev oniguruma-dev oniguruma-devel
zip.h|libzip|zip = libzip-dev libzip-dev libzip-devel
sodium.h|libsodium|sodium = libsodium-dev libsodium-dev libsodium-devel
unicode/|icu-uc|icu-i18n|icu|icuuc = libicu-dev icu-dev libicu-devel
git2.h|git2|libgit2 = libgit2-dev libgit2-dev libgit2-devel
ssh2.h|libssh2.h|libssh2 = libssh2-1-dev libssh2-dev libssh2-devel
magickwand/|wand/|magickwand|imagemagick|wand-config = libmagickwand-dev imagemagick-dev ImageMagick-devel
gdal.h|gdal|gdal/ = libgdal-dev gdal-dev gdal-devel
geos_c.h|geos = libgeos-dev geos-dev geos-devel
proj.h|proj_api.h|proj = libproj-dev proj-dev proj-devel
spatialindex/|spatialindex = libspatialindex-dev libspatialindex-dev spatialindex-devel
hdf5.h|hdf5 = libhdf5-dev hdf5-dev hdf5-devel
netcdf.h|netcdf = libnetcdf-dev netcdf-dev netcdf-devel
lapack|blas|openblas|cblas.h|lapacke.h = libopenblas-dev openblas-dev openblas-devel
fftw3.h|fftw3 = libfftw3-dev fftw-dev fftw-devel
gsl/|gsl = libgsl-dev gsl-dev gsl-devel
boost/|boost|boost_system = libboost-all-dev boost-dev boost-devel
eigen3/|eigen/|eigen3 = libeigen3-dev eigen-dev eigen3-devel
opencv2/|opencv = libopencv-dev opencv-dev opencv-devel
libavcodec/|libavcodec|libavformat|libavformat/ = libavcodec-dev ffmpeg-dev ffmpeg-free-devel
google/protobuf/|protobuf = libprotobuf-dev protobuf-dev protobuf-devel
librdkafka/|rdkafka = librdkafka-dev librdkafka-dev librdkafka-devel
jansson.h|jansson = libjansson-dev jansson-dev jansson-devel
json-c/|json-c = libjson-c-dev json-c-dev json-c-devel
gcrypt.h|libgcrypt = libgcrypt20-dev libgcrypt-dev libgcrypt-devel
gnutls/|gnutls = libgnutls28-dev gnutls-dev gnutls-devel
gpgme.h|gpgme = libgpgme-dev gpgme-dev gpgme-devel
libmemcached/|libmemcached|memcached = libmemcached-dev libmemcached-dev libmemcached-devel
tidy.h|tidy = libtidy-dev tidyhtml-dev libtidy-devel
gd.h|gdlib|gd = libgd-dev gd-dev gd-devel
c-client.h|imap = libc-client-dev imap-dev libc-client-devel
enchant.h|enchant = libenchant-2-dev enchant2-dev enchant2-devel
pspell.h|aspell = libaspell-dev aspell-dev aspell-devel
acl/|sys/acl.h|acl = libacl1-dev acl-dev libacl-devel
attr/|attr = libattr1-dev attr-dev libattr-devel
sys/capability.h|cap = libcap-dev libcap-dev libcap-devel
security/pam_appl.h|security/|pam = libpam0g-dev linux-pam-dev pam-devel
seccomp.h|libseccomp|seccomp = libseccomp-dev libseccomp-dev libseccomp-devel
btrfs/|btrfs = libbtrfs-dev btrfs-progs-dev btrfs-progs-devel
devmapper|libdevmapper.h = libdevmapper-dev lvm2-dev device-mapper-devel
numa.h|numa = libnuma-dev numactl-dev numactl-devel
elf.h|libelf.h|gelf.h|libelf|elf = libelf-dev elfutils-dev elfutils-libelf-devel
tcl.h|tk.h = tk-dev tk-dev tk-devel
gdbm.h|ndbm.h|gdbm = libgdbm-dev gdbm-dev gdbm-devel
db.h|db_cxx.h = libdb-dev db-dev libdb-devel
lua.h|lua = liblua5.4-dev lua5.4-dev lua-devel
pixman.h|pixman-1 = libpixman-1-dev pixman-dev pixman-devel
xmlsec/|xmlsec1 = libxmlsec1-dev xmlsec-dev xmlsec1-devel
gflags/|gflags = libgflags-dev gflags-dev gflags-devel
glog/|glog = libgoogle-glog-dev glog-dev glog-devel
leveldb/|leveldb = libleveldb-dev leveldb-dev leveldb-devel
rocksdb/|rocksdb = librocksdb-dev rocksdb-dev rocksdb-devel
execinfo.h = libc6-dev libexecinfo-dev glibc-devel
linux/|asm/ = linux-libc-dev linux-headers kernel-headers
stdio.h|stdlib.h|string.h|limits.h|errno.h|assert.h|stdint.h|sys/|features.h|math.h|crypt.h|c = libc6-dev musl-dev glibc-devel
iostream|cstdint|string|vector|algorithm|cstring|memory|map = g++ g++ gcc-c++
""".strip()  # noqa: E501 - a table


def _table() -> dict[str, Mapping[str, str]]:
    found: dict[str, Mapping[str, str]] = {}
    for row in _ROWS.split("\n"):
        names, _, packages = row.partition(" = ")
        apt, apk, dnf = packages.split()
        for name in names.split("|"):
            found[name] = {"apt": apt, "apk": apk, "dnf": dnf}
    return found


def package_of(name: str) -> Mapping[str, str]:
    """Return the packages with a header, module or library, by family; empty if not known.

    >>> package_of("openssl/ssl.h")["apk"], dict(package_of("our/own.h"))
    ('openssl-dev', {})
    """
    table = _table()
    name = name.lower().strip()
    if name in table:
        return table[name]
    directory = name.partition("/")[0] + "/"
    if "/" in name:
        return table.get(directory, {})
    plain = re.sub(r"^(?:lib|-l)|(?:-dev(?:el)?|[-.]?\d+(?:\.\d+)*)$", "", name)
    return table.get(plain, {})
