"""`analysis.loader`: what loaders find, and what they do not; `test_loader` of `differential` proves it."""

from __future__ import annotations

import re
import struct
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elf_rig import elf
from jettison.analysis.loader import interp
from jettison.analysis.loader.base import (
    Closure,
    Environment,
    Family,
    Fault,
    Missing,
    Unmet,
    Verdict,
)
from jettison.analysis.loader.cache import read_cache
from jettison.analysis.loader.closure import loader_of
from jettison.analysis.loader.conf import directories
from jettison.analysis.loader.paths import Paths
from jettison.analysis.rootfs import Rootfs
from unit.analysis.tree_rig import files_of

LD, MUSL = "/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1"
GLIBC_LOADER = (
    elf(soname="ld-linux-x86-64.so.2", defines=("GLIBC_2.2.5", "GLIBC_PRIVATE"))
    + b"\0/lib/x86_64-linux-gnu/\0/usr/lib/x86_64-linux-gnu/\0/lib/\0/usr/lib/\0"
    + b"/etc/ld.so.cache\0"
)
MUSL_LOADER = (
    elf(soname="libc.musl-x86_64.so.1")
    + b"\0/usr/local/bin:/bin:/usr/bin\0/lib:/usr/local/lib:/usr/lib\0"
    + b"%.*s/etc/ld-musl-x86_64.path\0"
)
DEBIAN = {
    LD: "->../lib/x86_64-linux-gnu/ld.so",
    "/lib/x86_64-linux-gnu/ld.so": GLIBC_LOADER,
    "/lib/x86_64-linux-gnu/libc.so.6": elf(
        soname="libc.so.6", defines=("GLIBC_2.2.5", "GLIBC_2.36")
    ),
}
HERE = Environment()
ALPINE = {MUSL: MUSL_LOADER}


def closure(
    root: Path,
    contents: Mapping[str, bytes | str],
    path: str = "/app",
    environment: Environment = HERE,
) -> Closure:
    modes = {name: 0o755 for name, data in contents.items() if isinstance(data, bytes)}
    files = files_of(root, contents, modes)
    root_files = Rootfs(files)
    loader = root_files.fact(loader_of)
    elf_there = root_files.programs.elf(path)
    is_sure = elf_there is not None and loader.is_sure_to_load(elf_there, environment)
    found = loader.closure(path, environment)
    assert found is not None
    assert not is_sure or found.verdict is Verdict.STARTS
    return found


def program(*needed: str, **more) -> bytes:
    return elf(interp=more.pop("interp", LD), needed=needed, **more)


def test_a_program_starts_with_all_that_it_needs(tmp_path: Path) -> None:
    found = closure(tmp_path, {**DEBIAN, "/app": program("libc.so.6")})
    assert (found.verdict, found.family) == (Verdict.STARTS, Family.GLIBC)
    assert [each.path for each in found.loaded] == [
        *("/app", "/lib/x86_64-linux-gnu/ld.so", "/lib/x86_64-linux-gnu/libc.so.6")
    ]


def test_versions_that_a_library_does_not_define_are_unmet(tmp_path: Path) -> None:
    needs = {"libc.so.6": ("GLIBC_2.2.5", "GLIBC_2.38")}
    weak = {"libc.so.6": ("GLIBC_2.39",)}
    app = program("libc.so.6", needs=needs, weak=weak)
    found = closure(tmp_path, {**DEBIAN, "/app": app})
    library = "/lib/x86_64-linux-gnu/libc.so.6"
    assert found.verdict is Verdict.NO_VERSION
    assert found.unmet == (Unmet(("GLIBC_2.38",), "libc.so.6", library, "/app"),)


def test_a_library_without_versions_meets_all(tmp_path: Path) -> None:
    contents = {"/usr/lib/libz.so.1": elf(soname="libz.so.1")}
    app = program("libz.so.1", needs={"libz.so.1": ("ZLIB_9",)})
    assert closure(tmp_path, {**DEBIAN, **contents, "/app": app}).verdict is Verdict.STARTS


def test_without_an_interpreter_nothing_starts(tmp_path: Path) -> None:
    found = closure(tmp_path, {**ALPINE, "/app": program("libc.so.6")})
    assert (found.verdict, found.interp) == (Verdict.NO_INTERPRETER, LD)


def test_static_programs_need_nothing_and_others_run_elsewhere(tmp_path: Path) -> None:
    found = closure(tmp_path, {"/app": elf(kind=2), "/arm": elf(kind=2, machine=183)})
    assert (found.verdict, found.family) == (Verdict.STARTS, Family.NONE)
    assert closure(tmp_path, {}, "/arm").verdict is Verdict.WRONG_ARCHITECTURE
    arm = Environment(architecture="arm64")
    assert closure(tmp_path, {}, "/arm", arm).verdict is Verdict.STARTS


def test_a_library_of_another_architecture_is_passed_over(tmp_path: Path) -> None:
    contents = {
        "/lib/x86_64-linux-gnu/libz.so.1": elf(soname="libz.so.1", machine=183),
        "/app": program("libz.so.1"),
    }
    found = closure(tmp_path, {**DEBIAN, **contents})
    wrong = "/lib/x86_64-linux-gnu/libz.so.1"
    assert found.missing == (Missing("libz.so.1", "/app", Fault.ARCHITECTURE, wrong),)
    contents = {"/usr/lib/libz.so.1": elf(soname="libz.so.1")}
    assert closure(tmp_path, contents).verdict is Verdict.STARTS


def test_a_file_that_is_no_library_ends_the_search(tmp_path: Path) -> None:
    contents = {
        "/lib/libz.so.1": b"INPUT(-lz)" * 10,
        "/usr/lib/libz.so.1": elf(soname="libz.so.1"),
        "/app": program("libz.so.1"),
    }
    found = closure(tmp_path, {**DEBIAN, **contents})
    assert found.missing == (Missing("libz.so.1", "/app", Fault.UNUSABLE, "/lib/libz.so.1"),)


@pytest.mark.parametrize(
    ("fields", "environment", "starts"),
    [
        ({"runpath": "$ORIGIN/../opt/b"}, {}, True),
        ({"rpath": "${ORIGIN}/../opt/b:/none"}, {}, True),
        ({"rpath": "/opt/b", "runpath": "/none"}, {}, False),
        ({"runpath": "/opt/none/../b"}, {}, False),
        ({"runpath": "b"}, {"directory": "/opt"}, True),
        ({}, {"library_path": "/none;/opt/b"}, True),
        ({"runpath": "/opt/$LIB"}, {}, True),
        ({}, {}, False),
    ],
)
def test_paths_of_programs_and_environments_are_searched(
    tmp_path: Path, fields: dict, environment: dict, starts: bool
) -> None:
    contents = {
        "/opt/b/libz.so.1": elf(soname="libz.so.1"),
        "/opt/lib/x86_64-linux-gnu": "->../b",
        "/bin/app": program("libz.so.1", **fields),
    }
    found = closure(tmp_path, {**DEBIAN, **contents}, "/bin/app", Environment(**environment))
    assert (found.verdict is Verdict.STARTS) is starts


def test_only_rpath_holds_for_the_libraries_of_libraries(tmp_path: Path) -> None:
    contents = {
        "/opt/liba.so": elf(soname="liba.so", needed=("libb.so",)),
        "/opt/libb.so": elf(soname="libb.so"),
        "/app": program("liba.so", runpath="/opt"),
        "/old": program("liba.so", rpath="/opt"),
    }
    found = closure(tmp_path, {**DEBIAN, **contents})
    assert found.missing == (Missing("libb.so", "/opt/liba.so"),)
    assert closure(tmp_path, {}, "/old").verdict is Verdict.STARTS


def test_what_is_loaded_is_known_by_its_own_name(tmp_path: Path) -> None:
    contents = {
        "/opt/a/libx-1234.so": elf(soname="libx.so.1"),
        "/lib/liby.so": elf(needed=("libx.so.1",)),
        "/app": program("libx-1234.so", "liby.so", runpath="/opt/a"),
    }
    assert closure(tmp_path, {**DEBIAN, **contents}).verdict is Verdict.STARTS


def cache(*entries: tuple[str, str, int], old: bool = False) -> bytes:
    """Return a cache of (name, path, flags)."""
    text, rows, size = b"", [], 48 + 24 * len(entries)
    for name, path, flags in entries:
        rows.append((flags, size + len(text), size + len(text) + len(name) + 1, 0, 0))
        text += name.encode() + b"\0" + path.encode() + b"\0"
    head = b"glibc-ld.so.cache1.1" + struct.pack("<II", len(entries), len(text)) + bytes(20)
    data = head + b"".join(struct.pack("<IIIIQ", *row) for row in rows) + text
    return b"ld.so-1.7.0\0" + struct.pack("<I", 0) + data if old else data


@pytest.mark.parametrize("old", [False, True])
def test_the_cache_leads_to_libraries(tmp_path: Path, old: bool) -> None:
    contents = {
        "/opt/libz.so.1": elf(soname="libz.so.1"),
        "/etc/ld.so.cache": cache(
            ("libz.so.1", "/opt/i386/libz.so.1", 0x3), ("libz.so.1", "/opt/libz.so.1", 0x303),
            old=old,
        ),
        "/app": program("libz.so.1"),
    }  # fmt: skip
    assert closure(tmp_path, {**DEBIAN, **contents}).verdict is Verdict.STARTS


def test_a_cache_that_is_cut_leads_nowhere() -> None:
    data = cache(("liba.so", "/a/liba.so", 0x303), ("libb.so", "/b/libb.so", 0x303))
    assert [*read_cache(data)] == ["liba.so", "libb.so"]
    for size in range(len(data)):
        assert set(read_cache(data[:size])) <= {"liba.so", "libb.so"}
    assert read_cache(b"\xff" * 400) == {}


def test_what_ldconfig_would_find_is_said(tmp_path: Path) -> None:
    contents = {
        "/etc/ld.so.conf": "# first\ninclude ld.so.conf.d/*.conf\n",
        "/etc/ld.so.conf.d/local.conf": "/usr/local/lib # ours\n/opt/x=libc6\nhwcap 1 nosegneg\n",
        "/etc/ld.so.conf.d/other.txt": "/none\n",
        "/usr/local/lib/libz.so.1": elf(soname="libz.so.1"),
        "/app": program("libz.so.1"),
    }
    found = closure(tmp_path, {**DEBIAN, **contents})
    place = "/usr/local/lib/libz.so.1"
    assert found.missing == (Missing("libz.so.1", "/app", Fault.ABSENT, place),)


def test_includes_in_loops_end(tmp_path: Path) -> None:
    files = files_of(tmp_path, {"/etc/ld.so.conf": "include /etc/*.conf\n/opt/a/\n"})
    assert directories(files) == ("/opt/a",)


@pytest.mark.parametrize(
    ("contents", "missing"),
    [
        ({"/usr/local/lib/libz.so": elf()}, ()),
        ({"/opt/libz.so": elf()}, ("libz.so",)),
        ({"/opt/libz.so": elf(), "/etc/ld-musl-x86_64.path": "/lib\n/opt\n"}, ()),
        ({"/usr/lib/libz.so": elf(), "/etc/ld-musl-x86_64.path": "/opt"}, ("libz.so",)),
    ],
)
def test_musl_has_its_own_list(
    tmp_path: Path, contents: dict[str, bytes | str], missing: tuple[str, ...]
) -> None:
    app = program("libz.so", "libc.so.6", "libpthread.so.0", interp=MUSL)
    found = closure(tmp_path, {**ALPINE, **contents, "/app": app})
    assert (found.family, tuple(each.name for each in found.missing)) == (Family.MUSL, missing)


def test_links_in_loops_end_a_list_of_directories(tmp_path: Path) -> None:
    contents = {
        "/opt/a/libz.so": "->libz.so",
        "/opt/b/libz.so": elf(),
        "/app": program("libz.so", runpath="/opt/a:/opt/b"),
        "/musl": program("libz.so", rpath="/opt/a:/opt/b", interp=MUSL),
    }
    found = closure(tmp_path, {**DEBIAN, **ALPINE, **contents})
    assert [each.name for each in found.missing] == ["libz.so"]
    assert closure(tmp_path, {}, "/musl").verdict is Verdict.NO_LIBRARY
    (tmp_path / "usr/lib").mkdir(parents=True)
    assert closure(tmp_path, {"/usr/lib/libz.so": elf()}).verdict is Verdict.STARTS


def test_a_library_alone_is_looked_at_with_the_loader_that_is_there(tmp_path: Path) -> None:
    module = elf(needed=("libz.so.1", "libc.so.6"))
    found = closure(tmp_path, {**DEBIAN, "/site/x.so": module}, "/site/x.so")
    assert (found.verdict, found.missing) == (
        Verdict.NO_LIBRARY,
        (Missing("libz.so.1", "/site/x.so"),),
    )


def test_an_unknown_loader_and_damaged_files_say_nothing(tmp_path: Path) -> None:
    contents = {
        "/lib/ld-own.so": elf(soname="ld-own.so"),
        "/app": program("libx.so", interp="/lib/ld-own.so"),
        "/cut": program("libx.so").replace(b"libx.so\0", b"libx.so!"),
    }
    assert closure(tmp_path, contents).verdict is Verdict.UNKNOWN
    assert closure(tmp_path, {}, "/cut").verdict is Verdict.UNKNOWN


NAMES = st.sampled_from(
    ["liba.so", "libb.so", "libc.so", "libd.so", "libe.so", "ld-linux-x86-64.so.2"]
)
LIBRARIES = st.builds(
    dict,
    soname=st.one_of(st.none(), st.none(), NAMES),
    needed=st.lists(NAMES, max_size=3, unique=True),
    defines=st.lists(st.sampled_from(["V1", "V2"]), max_size=2, unique=True),
    needs=st.dictionaries(NAMES, st.sampled_from([("V1",), ("V2",), ("V1", "V2")]), max_size=2),
    runpath=st.sampled_from([None, None, None, None, None, "/opt"]),
    rpath=st.sampled_from([None, None, None, None, None, "/opt"]),
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(st.dictionaries(NAMES, LIBRARIES, min_size=4), st.sampled_from(["/lib", "/opt", "/usr/lib"]))
def test_what_is_sure_to_load_loads_whatever_libraries_need_of_each_other(
    libraries: dict[str, dict[str, Any]], place: str
) -> None:
    contents: dict[str, bytes | str] = dict(DEBIAN)
    for number, (name, given_fields) in enumerate(libraries.items()):
        directory = place if number == 1 else "/usr/lib"
        fields = {**given_fields, "soname": given_fields["soname"] or name}
        contents[f"{directory}/{name}"] = elf(**fields)
        contents[f"/bin/{name}"] = elf(interp=LD, **{**fields, "soname": ""})
    with tempfile.TemporaryDirectory() as root:
        files = files_of(Path(root), contents, dict.fromkeys(contents.keys() - {LD}, 0o755))
        system = Rootfs(files)
        loader = system.fact(loader_of)
        elves = system.programs.elves.items()
        sure = [path for path, each in elves if loader.is_sure_to_load(each, HERE)]
        verdicts = {path: loader.closure(path, HERE) for path in sure}
    assert {each and each.verdict for each in verdicts.values()} <= {Verdict.STARTS}


def test_libraries_without_paths_of_their_own_are_sure_to_load(tmp_path: Path) -> None:
    library = elf(soname="libz.so.1", needed=("libc.so.6",), needs={"libc.so.6": ("GLIBC_2.36",)})
    contents = {
        **DEBIAN,
        "/lib/libz.so.1": library,
        "/app": program("libz.so.1", "libc.so.6"),
        "/led": program("libz.so.1", runpath="/opt"),
        "/newer": program("libz.so.1", needs={"libc.so.6": ("GLIBC_2.38",)}),
    }
    files = files_of(tmp_path, contents, dict.fromkeys(contents.keys() - {LD}, 0o755))
    system = Rootfs(files)
    loader, elves = system.fact(loader_of), system.programs.elves
    asked = ("/app", "/led", "/newer")
    assert [each for each in asked if loader.is_sure_to_load(elves[each], HERE)] == ["/app"]
    assert not loader.is_sure_to_load(elves["/app"], Environment(library_path="/opt"))


@given(
    st.lists(
        st.sampled_from([b"\0", b"/lib/", b"/usr", b"/", b"a", b"/\0/", b"/etc/ld.so.cache", b"x" * 201]),
        max_size=40,
    )
)  # fmt: skip
def test_lists_of_directories_are_found_where_a_search_of_all_bytes_finds_them(
    pieces: list[bytes],
) -> None:
    data = b"".join(pieces)
    for mark, form in (
        (interp._BETWEEN_DIRECTORIES, interp._GLIBC_DIRECTORIES),
        (interp._CACHE_NAME, interp._GLIBC_CACHE),
    ):
        everywhere = re.compile(rb"(?<=\0)(?:" + form.pattern + rb")")
        found = list(interp.texts_around(data, mark, form))
        assert found == [each[0] for each in everywhere.finditer(data)]


def test_paths_are_walked_as_the_kernel_walks_them(tmp_path: Path) -> None:
    files = files_of(tmp_path, {
        "/a/file": "x", "/b/link": "->../a", "/loop": "->/loop", "/up": "->../../a/file",
    })  # fmt: skip
    paths = Paths(files)
    assert paths.find("/b/link/file") == "/a/file"
    assert paths.find("/b/link/../a/file") == "/a/file"
    assert paths.find("/up") == "/a/file"
    assert paths.find("/../a/./file") == "/a/file"
    for path in ("/none/../a/file", "/a/file/../file", "/loop", "/loop/x"):
        assert paths.find(path) is None, path
