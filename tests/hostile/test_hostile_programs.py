"""ELF files, loaders' lists and caches that were made to keep a reader busy, or to lead it astray."""

from __future__ import annotations

import random
import struct
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from elf_rig import elf
from jettison.analysis.loader.base import Closure, Environment, Verdict
from jettison.analysis.loader.closure import loader_of
from jettison.analysis.loader.system import system_of
from jettison.analysis.rootfs import Rootfs
from unit.analysis.test_loader import ALPINE, DEBIAN, LD, cache
from unit.analysis.tree_rig import files_of

_SECONDS = 60.0
"""More than any of them takes on a busy machine; without bounds each takes minutes."""


def closures(root: Path, contents: Mapping[str, bytes | str], *paths: str) -> list[Closure | None]:
    modes = {name: 0o755 for name, data in contents.items() if isinstance(data, bytes)}
    found = Rootfs(files_of(root, contents, modes))
    began = time.monotonic()
    loader = found.fact(loader_of)
    result = [loader.closure(path, Environment()) for path in paths]
    system_of(found, "amd64")
    assert time.monotonic() - began < _SECONDS
    return result


def test_thousands_of_libraries_in_thousands_of_directories_end(tmp_path: Path) -> None:
    path = ":".join(f"/opt/{'a/' * 40}{number}" for number in range(1000))
    app = elf(interp=LD, needed=[f"lib{number}.so" for number in range(4000)], rpath=path)
    (found,) = closures(tmp_path, {**DEBIAN, "/app": app}, "/app")
    assert found is not None
    assert found.verdict is Verdict.UNKNOWN


def test_libraries_that_need_each_other_end(tmp_path: Path) -> None:
    names = [f"lib{number}.so" for number in range(600)]
    contents = {f"/lib/{name}": elf(soname=name, needed=names) for name in names[:100]}
    app = elf(interp=LD, needed=names)
    (found,) = closures(tmp_path, {**DEBIAN, **contents, "/app": app}, "/app")
    assert found is not None
    assert found.verdict in {Verdict.NO_LIBRARY, Verdict.UNKNOWN}


def test_lists_that_include_themselves_and_everything_end(tmp_path: Path) -> None:
    conf = {f"/etc/ld.so.conf.d/{n}.conf": "include /etc/ld.so.conf.d/*\n" for n in range(200)}
    contents = {
        **DEBIAN, **conf,
        "/etc/ld.so.conf": "include /etc/ld.so.conf.d/*\n" + "/opt/x\n" * 5000,
        "/app": elf(interp=LD, needed=("libx.so",)),
    }  # fmt: skip
    (found,) = closures(tmp_path, contents, "/app")
    assert found is not None
    assert found.verdict is Verdict.NO_LIBRARY


def test_links_in_loops_and_out_of_the_tree_end(tmp_path: Path) -> None:
    contents = {
        **DEBIAN,
        "/opt/a": "->/opt/b",
        "/opt/b": "->../../../../opt/a",
        "/opt/out": "->../../../../../../../../usr/lib/x86_64-linux-gnu",
        "/app": elf(interp=LD, needed=("libm.so.6",), rpath="/opt/a:/opt/out:../../../../usr/lib"),
    }
    (found,) = closures(tmp_path, contents, "/app")
    assert found is not None
    assert [each.name for each in found.missing] == ["libm.so.6"]


@pytest.mark.parametrize(
    "filler",
    [b"/" * (4 << 20), b"\0/a/" * (1 << 20), b"%.*s/" * (1 << 20), b"\0/x:" * (1 << 20)],
    ids=["slashes", "directories", "formats", "lists"],
)
def test_a_loader_full_of_what_is_looked_for_ends(tmp_path: Path, filler: bytes) -> None:
    loader = elf(soname="ld.so", defines=("GLIBC_2.2.5",)) + filler
    contents = {**ALPINE, LD: loader, "/app": elf(interp=LD, needed=("libc.so.6",))}
    (found,) = closures(tmp_path, contents, "/app")
    assert found is not None
    assert found.missing


def test_caches_of_any_bytes_lead_nowhere_else(tmp_path: Path) -> None:
    chance = random.Random(7)
    whole = cache(("libx.so", "/../../../../etc/passwd", 0x303), ("liby.so", "/opt/y", 0x303))
    app = elf(interp=LD, needed=("libx.so", "liby.so"))
    huge = whole[:20] + struct.pack("<I", 0xFFFF_FFFF) + whole[24:]
    spoilt = [
        bytes(chance.randrange(256) if chance.random() < 0.1 else byte for byte in whole)
        for _ in range(40)
    ]
    for number, data in enumerate([whole, huge, *spoilt]):
        root = tmp_path / str(number)
        contents = {**DEBIAN, "/etc/ld.so.cache": data, "/app": app}
        (found,) = closures(root, contents, "/app")
        assert found is not None
        assert {each.name for each in found.missing} == {"libx.so", "liby.so"}


def test_programs_of_spoilt_bytes_are_looked_at_without_an_error(tmp_path: Path) -> None:
    chance = random.Random(3)
    whole = elf(
        interp=LD, needed=("libc.so.6",), needs={"libc.so.6": ("GLIBC_2.2.5",)}, soname="x",
        rpath="$ORIGIN:/opt", defines=("X_1",),
    )  # fmt: skip
    contents: dict[str, bytes | str] = dict(DEBIAN)
    for number in range(400):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 12)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        contents[f"/bin/{number}"] = bytes(data[: chance.choice((len(data), len(data) - 9, 300))])
    found = closures(tmp_path, contents, *(f"/bin/{number}" for number in range(400)))
    assert {type(each) for each in found} <= {Closure, type(None)}
