"""Package databases, programs and archives that were made to hurt who reads them."""

from __future__ import annotations

import gzip
import io
import os
import random
import sqlite3
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from jettison.analysis.files import list_files
from jettison.analysis.packages.base import MAX_DATABASE
from jettison.analysis.packages.catalog import find_packages
from jettison.analysis.rootfs import Rootfs
from jettison.fs.ownership import process_ownership
from jettison.snapshot.stack import StackTree
from unit.analysis.test_package_records import RPM
from unit.analysis.test_packages import HEADER, elf_with, go_info, jar, rpm_database
from unit.analysis.tree_rig import ELF, files_of

DATABASES = (
    "/var/lib/dpkg/status",
    "/lib/apk/db/installed",
    "/var/lib/rpm/rpmdb.sqlite",
    "/a.dist-info/METADATA",
    "/node_modules/a/package.json",
    "/vendor/composer/installed.json",
    "/a.jar",
    "/app.deps.json",
    "/conda-meta/a-1-0.json",
    "/yarn.lock",
    "/pnpm-lock.yaml",
    "/package-lock.json",
    "/manifest.wall",
    "/var/lib/rpm/Packages",
    "/usr/lib/sysimage/rpm/Packages.db",
    "/var/lib/rpmmanifest/container-manifest-2",
    "/bin/app",
)


def find(root: Path) -> list[str]:
    files = list_files(StackTree([root], process_ownership()))
    return [each.name for each in find_packages(Rootfs(files)).packages]


@pytest.mark.parametrize("path", DATABASES)
def test_a_database_that_is_a_link_out_of_the_image_is_not_read(tmp_path: Path, path: str) -> None:
    outside = tmp_path / "outside"
    outside.write_text("Package: stolen\nStatus: a b installed\nP:stolen\nName: stolen\n")
    root = tmp_path / "root"
    files_of(root, {path: f"->{'../' * 20}{outside}"})
    assert find(root) == []
    files_of(root, {"x" + path: f"->{outside}"})
    assert find(root) == []


@pytest.mark.parametrize("path", DATABASES)
def test_a_database_that_is_a_pipe_or_a_directory_holds_nobody_up(
    tmp_path: Path, path: str
) -> None:
    target = tmp_path / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(target, 0o755)
    assert find(tmp_path) == []
    target.unlink()
    target.mkdir()
    assert find(tmp_path) == []


@pytest.mark.parametrize("path", DATABASES)
def test_a_database_that_is_enormous_is_not_read(tmp_path: Path, path: str) -> None:
    target = tmp_path / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        file.write(b"\x7fELF")
        file.truncate(1 << 40)
    target.chmod(0o755)
    before = time.monotonic()
    assert find(tmp_path) == []
    assert time.monotonic() - before < 60
    assert MAX_DATABASE < 1 << 30


def test_random_bytes_are_no_packages_and_no_error(tmp_path: Path) -> None:
    chance = random.Random(7)
    seeds = [
        HEADER,
        *(
            gzip.decompress((RPM / f"{name}.gz").read_bytes())
            for name in ("Packages", "Packages.db")
        ),
        jar({"META-INF/maven/a/b/pom.properties": "artifactId=b"}),
        elf_with(b".go.buildinfo", go_info(b"go1.23", b"mod\ta\tb\n")),
        elf_with(b".dep-v0", zlib.compress(b'{"packages":[]}')),
    ]
    for turn in range(80):
        root = tmp_path / str(turn)
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(1, 12)):
            data[chance.randrange(min(len(data), 8192))] = chance.randrange(256)
        contents: dict[str, bytes | str] = dict.fromkeys(DATABASES, bytes(data))
        contents["/bin/app"] = ELF[:4] + bytes(data[4:])
        files_of(root, contents, {"/bin/app": 0o755})
        find(root)


def test_an_archive_that_says_it_has_millions_of_entries_is_not_listed(tmp_path: Path) -> None:
    data = bytearray(jar({"A": "x"}))
    at = data.rfind(b"PK\x05\x06")
    data[at + 12 : at + 16] = struct.pack("<I", 0xFFFFFFF0)
    files_of(tmp_path, {"a.jar": bytes(data)})
    assert find(tmp_path) == []


def test_entries_that_unpack_to_gigabytes_are_read_to_a_limit(tmp_path: Path) -> None:
    data = io.BytesIO()
    with (
        zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("META-INF/maven/a/b/pom.properties", "w") as entry,
    ):
        for _ in range(64):
            entry.write(b"#" * (1 << 20))
    bomb = zlib.compressobj(1)
    packed = b"".join(
        bomb.compress(b'{"packages":[' if not n else b" " * (1 << 20)) for n in range(64)
    )
    rust = elf_with(b".dep-v0", packed + bomb.flush())
    files_of(tmp_path, {"a.jar": data.getvalue(), "bin/app": rust}, {"bin/app": 0o755})
    before = time.monotonic()
    assert find(tmp_path) == ["a"]
    assert time.monotonic() - before < 60


def test_a_database_whose_schema_computes_for_ever_is_given_up(tmp_path: Path) -> None:
    path = tmp_path / "var/lib/rpm/rpmdb.sqlite"
    path.parent.mkdir(parents=True)
    endless = (
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x AS hnum,"
        " randomblob(8) AS blob FROM n"
    )
    with sqlite3.connect(path) as database:
        database.execute(f"CREATE VIEW Packages AS {endless}")
    database.close()
    before = time.monotonic()
    assert find(tmp_path) == []
    assert time.monotonic() - before < 60


def test_many_lists_of_one_large_directory_cost_no_more_than_one(tmp_path: Path) -> None:
    names = ",".join('{"name": "a", "version": "' + str(number) + '"}' for number in range(20_000))
    contents: dict[str, bytes | str] = {f"vendor/a/{number}": "x" for number in range(2000)}
    contents["vendor/composer/installed.json"] = f"[{names}]"
    files_of(tmp_path, contents)
    before = time.monotonic()
    assert len(find(tmp_path)) == 20_000
    assert time.monotonic() - before < 60


def test_headers_of_rpm_that_point_anywhere_are_left_out(tmp_path: Path) -> None:
    far = bytearray(HEADER)
    far[8 + 16 + 8 : 8 + 16 + 12] = b"\xff\xff\xff\xff"
    many = bytearray(HEADER)
    many[8 + 12 : 8 + 16] = b"\x00\x0f\x42\x40"
    rpm_database(tmp_path / "var/lib/rpm/rpmdb.sqlite", bytes(far), bytes(many), HEADER)
    assert find(tmp_path) == ["bash"]


def test_archives_in_archives_that_unpack_to_gigabytes_are_read_to_a_limit(tmp_path: Path) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(5):
            with archive.open(f"lib/{number}.jar", "w") as entry:
                for _ in range(64):
                    entry.write(bytes(1 << 20))
    files = files_of(tmp_path, {"a.jar": data.getvalue()})
    before = time.process_time()
    found = find_packages(Rootfs(files))
    assert time.process_time() - before < 60
    assert [each.name for each in found.packages] == ["a"]
    assert found.unread == ("/a.jar",)


MEASURED = """
import re, sys, time
from pathlib import Path
from jettison.analysis.files import list_files
from jettison.analysis.packages.base import Reading
from jettison.analysis.packages.catalog import package_records
from jettison.analysis.rootfs import Rootfs
from jettison.fs.ownership import process_ownership
from jettison.snapshot.stack import StackTree
root = Rootfs(list_files(StackTree([Path(sys.argv[1])], process_ownership())))
reading = Reading(root.files)
before = time.process_time()
found = list(package_records(reading, root.programs))
peak = int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1]) >> 10
print(len(found), peak, time.process_time() - before, *reading.unread.values(), sep="|")
"""
"""Prints how many packages there are, MiB, seconds, and what was not read."""
MANY = 1_000_000


def dpkg(number: int) -> str:
    return f"Package: p{number}\nStatus: x installed\nVersion: 1\n\n"


@pytest.mark.parametrize(
    ("path", "entry", "note"),
    [
        ("var/lib/dpkg/status", dpkg, "more than 100000 packages"),
        ("app/yarn.lock", "p{}@1:\n  version 1\n".format, "larger than 16 MiB"),
        ("app/yarn.lock", "{}@1:\n version 1\n".format, "more than 100000 packages"),
        (
            "var/lib/dpkg/status",
            "Package: p{}\nStatus: x gone\n\n".format,
            "more than 200000 entries",
        ),
    ],
    ids=["dpkg", "yarn", "short yarn", "removed ones"],
)
def test_a_million_entries_take_little_memory_and_are_noted(
    tmp_path: Path, path: str, entry: Callable[[int], str], note: str
) -> None:
    text = "".join(map(entry, range(MANY)))
    if "larger" not in note and "yarn" in path:
        text = text[: 16 << 20]
    files_of(tmp_path, {path: text})
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, tmp_path], capture_output=True, text=True, check=True
    )
    found, peak, seconds, *notes = done.stdout.strip().split("|")
    assert int(found) <= 100_000
    assert note in " ".join(notes), done.stdout
    assert int(peak) <= 150, done.stdout
    assert float(seconds) < 60, done.stdout
