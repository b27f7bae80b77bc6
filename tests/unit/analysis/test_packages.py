"""Packages of every kind, from the databases as their package managers write them."""

from __future__ import annotations

import io
import sqlite3
import struct
import zipfile
import zlib
from pathlib import Path

import msgspec
import pytest

from jettison.analysis.packages.base import Package
from jettison.analysis.packages.catalog import Catalog, find_packages
from jettison.analysis.rootfs import Rootfs
from unit.analysis.tree_rig import files_of


def catalog(
    root: Path, contents: dict[str, bytes | str], programs: tuple[str, ...] = ()
) -> Catalog:
    modes = dict.fromkeys((each.lstrip("/") for each in programs), 0o755)
    return find_packages(Rootfs(files_of(root, contents, modes)))


STATUS = """Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9
Description: library
 more of it

Package: gone
Status: deinstall ok config-files
Version: 1

Package: held
Status: hold ok installed
Version: 2
"""


def test_debian_packages_with_the_bytes_of_their_files_in_a_merged_usr(tmp_path: Path) -> None:
    found = catalog(tmp_path, {
        "var/lib/dpkg/status": STATUS,
        "var/lib/dpkg/info/libc6:amd64.list": "/.\n/lib\n/lib/libc.so.6\n/usr/share/doc/libc6\n/gone\n",
        "usr/lib/libc.so.6": "12345",
        "lib": "->usr/lib",
    })  # fmt: skip
    assert found.packages == (
        Package("deb", "held", "2"),
        Package("deb", "libc6", "2.36-9", 5, 1),
    )
    assert found.counts == {"deb": 2}


def test_debian_packages_of_an_image_without_dpkg(tmp_path: Path) -> None:
    found = catalog(tmp_path, {
        "var/lib/dpkg/status.d/tzdata": "Package: tzdata\nVersion: 2024a\nDescription: zones\n",
        "var/lib/dpkg/status.d/tzdata.md5sums": "0123456789abcdef0123456789abcdef  ./usr/share/zone\n",
        "usr/share/zone": "123",
    })  # fmt: skip
    assert found.packages == (Package("deb", "tzdata", "2024a", 3, 1),)


@pytest.mark.parametrize("path", ["lib/apk/db/installed", "usr/lib/apk/db/installed"])
def test_alpine_packages(tmp_path: Path, path: str) -> None:
    database = "C:Q1\nP:musl\nV:1.2.5-r0\nF:lib\nR:ld-musl.so\na:0:0:755\nZ:Q1\nF:usr/share\nR:x\n\nP:empty\nV:1\n\n"
    found = catalog(tmp_path, {path: database, "lib/ld-musl.so": "1234", "usr/share/x": "1"})
    assert found.packages == (
        Package("apk", "empty", "1"),
        Package("apk", "musl", "1.2.5-r0", 5, 2),
    )


def test_python_distributions(tmp_path: Path) -> None:
    site = "usr/lib/python3/site-packages"
    found = catalog(tmp_path, {
        f"{site}/idna-3.7.dist-info/METADATA": "Metadata-Version: 2.1\nName: idna\nVersion: 3.7\n\nName: no\n",
        f"{site}/idna-3.7.dist-info/RECORD": 'idna/core.py,sha256=x,9\n../../../bin/idna,,\n"a,b.py",,\n',
        f"{site}/idna/core.py": "123456789",
        f"{site}/old.egg-info/PKG-INFO": "Name: old\nVersion: 1\n",
        f"{site}/flat-2.egg-info": "Name: flat\nVersion: 2\n",
    })  # fmt: skip
    assert found.packages == (
        Package("python", "flat", "2"),
        Package("python", "idna", "3.7", 9, 1),
        Package("python", "old", "1"),
    )


def test_packages_of_node_by_name_and_version(tmp_path: Path) -> None:
    one = '{"name": "ms", "version": "2.1.3", "dependencies": {"x": "1"}}'
    found = catalog(tmp_path, {
        "app/package.json": '{"name": "app", "version": "1.0.0"}',
        "app/node_modules/ms/package.json": one,
        "app/node_modules/ms/index.js": "12345",
        "app/node_modules/ms/lib/package.json": '{"type": "module"}',
        "app/node_modules/debug/package.json": '{"name": "debug", "version": "4"}',
        "app/node_modules/debug/node_modules/ms/package.json": one,
        "app/node_modules/@types/node/package.json": '{"name": "@types/node", "version": "20"}',
        "app/node_modules/broken/package.json": "{" * 5000,
    })  # fmt: skip
    names = [(each.name, each.version, each.files) for each in found.packages]
    assert names == [("@types/node", "20", 1), ("debug", "4", 1), ("ms", "2.1.3", 4)]
    assert found.packages[2].bytes == 2 * len(one) + 5 + len('{"type": "module"}')


def test_gems_composer_and_conda(tmp_path: Path) -> None:
    found = catalog(tmp_path, {
        "usr/lib/ruby/gems/3.1/specifications/rack-2.2.9.gemspec": "x",
        "usr/lib/ruby/gems/3.1/gems/rack-2.2.9/lib/rack.rb": "1234",
        "usr/lib/ruby/gems/3.1/specifications/nokogiri-1.16.2-x86_64-linux.gemspec": "x",
        "app/vendor/composer/installed.json": '{"packages": [{"name": "psr/log", "version": "3.0"}]}',
        "app/vendor/psr/log/src/Log.php": "123",
        "opt/conda/conda-meta/numpy-1.26.4-py311h_0.json": "{}",
    })  # fmt: skip
    assert found.packages == (
        Package("composer", "psr/log", "3.0", 3, 1),
        Package("conda", "numpy", "1.26.4"),
        Package("gem", "nokogiri", "1.16.2"),
        Package("gem", "rack", "2.2.9", 4, 1),
    )


def elf_with(name: bytes, data: bytes) -> bytes:
    """Return an ELF-64 file of one section of a name, and the table of names."""
    names = b"\0" + name + b"\0.shstrtab\0"
    body = data + names
    head = b"\x7fELF\x02\x01\x01" + bytes(9)
    head += struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0, 0, 64 + len(body), 0, 64, 0, 0, 64, 3, 2)
    rows = [
        bytes(64),
        struct.pack("<IIQQQQIIQQ", 1, 1, 0, 0, 64, len(data), 0, 0, 1, 0),
        struct.pack("<IIQQQQIIQQ", 2 + len(name), 3, 0, 0, 64 + len(data), len(names), 0, 0, 1, 0),
    ]
    return head + body + b"".join(rows)


def go_info(version: bytes, modules: bytes) -> bytes:
    wrapped = bytes(16) + modules + bytes(16)
    head = b"\xff Go buildinf:" + b"\x08\x02" + bytes(16)
    assert len(wrapped) < 1 << 14
    return (
        head
        + bytes([len(version)])
        + version
        + bytes([len(wrapped) & 127 | 128, len(wrapped) >> 7])
        + wrapped
    )


def test_modules_of_programs_in_go_and_rust(tmp_path: Path) -> None:
    modules = b"path\texample.com/app\nmod\texample.com/app\t(devel)\t\ndep\tgolang.org/x/sys\tv0.20.0\th1:x=\n"
    go = elf_with(b".go.buildinfo", go_info(b"go1.23.5", modules))
    audit = b'{"packages":[{"name":"libc","version":"0.2.1"},{"name":"app","version":"1.0.0","root":true}]}'
    rust = elf_with(b".dep-v0", zlib.compress(audit))
    found = catalog(tmp_path, {"go": go, "rust": rust}, ("/go", "/rust"))
    assert found.packages == (
        Package("go", "example.com/app", "(devel)", len(go), 1),
        Package("go", "golang.org/x/sys", "v0.20.0"),
        Package("go", "std", "1.23.5"),
        Package("rust", "app", "1.0.0", len(rust), 1),
        Package("rust", "libc", "0.2.1"),
    )


def jar(entries: dict[str, str]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return data.getvalue()


def test_java_archives(tmp_path: Path) -> None:
    maven = jar(
        {
            "META-INF/maven/org.x/core/pom.properties": "groupId=org.x\nartifactId=core\nversion=1.2\n"
        }
    )
    plain = jar({"META-INF/MANIFEST.MF": "Manifest-Version: 1.0\nImplementation-Version: 9\n"})
    bare = jar({"A.class": "x"})
    found = catalog(
        tmp_path,
        {"a.jar": maven, "log4j-api-2.0.jar": plain, "x/bare-3.1.jar": bare, "bad.jar": "PK"},
    )
    assert found.packages == (
        Package("java", "bare", "3.1", len(bare), 1),
        Package("java", "log4j-api", "9", len(plain), 1),
        Package("java", "org.x:core", "1.2", len(maven), 1),
    )


def rpm_header(entries: list[tuple[int, int, int, bytes]]) -> bytes:
    data, rows = b"", b""
    for tag, kind, number, value in entries:
        rows += struct.pack(">IIII", tag, kind, len(data), number)
        data += value
    return struct.pack(">II", len(entries), len(data)) + rows + data


HEADER = rpm_header([
    (1116, 4, 2, struct.pack(">II", 0, 1)),
    (1000, 6, 1, b"bash\0"),
    (1001, 6, 1, b"5.2\0"),
    (1002, 6, 1, b"1.el9\0"),
    (1117, 8, 2, b"bash\0doc\0"),
    (1118, 8, 2, b"/usr/bin/\0/usr/share/\0"),
])  # fmt: skip


def rpm_database(
    path: Path,
    *blobs: bytes,
    schema: str = "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB)",
) -> None:
    path.parent.mkdir(parents=True)
    with sqlite3.connect(path) as database:
        database.execute(schema)
        database.executemany("INSERT INTO Packages (blob) VALUES (?)", [(each,) for each in blobs])
    database.close()


def test_rpm_packages_of_the_sqlite_form(tmp_path: Path) -> None:
    rpm_database(tmp_path / "var/lib/rpm/rpmdb.sqlite", HEADER, b"\xff" * 40, HEADER[:20], b"")
    found = catalog(tmp_path, {"usr/bin/bash": "12", "usr/share/doc": "3"})
    assert found.packages == (Package("rpm", "bash", "5.2-1.el9", 3, 2),)


def test_a_database_that_is_damaged_is_named_as_unread(tmp_path: Path) -> None:
    files = files_of(tmp_path, {"var/lib/rpm/Packages": b"\0" * 100})
    assert find_packages(Rootfs(files)).unread == ("/var/lib/rpm/Packages",)


def test_names_that_would_reach_a_terminal_as_control_codes_are_no_packages(tmp_path: Path) -> None:
    manifest = msgspec.json.encode({"name": "a\x1b[2J", "version": "1"})
    assert catalog(tmp_path, {"node_modules/a/package.json": manifest}).packages == ()
