"""What an intruder finds: programs once each, whatever their names; dangerous modes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jettison.analysis.files import list_files
from jettison.analysis.rootfs import Rootfs
from jettison.analysis.surface import KINDS, kind_of, surface
from jettison.fs.ownership import process_ownership
from jettison.snapshot.stack import StackTree
from unit.analysis.tree_rig import ELF, files_of


def test_a_busybox_with_many_names_is_one_program_of_each_kind(tmp_path: Path) -> None:
    files = files_of(
        tmp_path,
        {
            "bin/busybox": ELF,
            "bin/sh": "->busybox",
            "bin/ash": "->/bin/busybox",
            "usr/bin/nc": "->../../bin/busybox",
        },
        {"bin/busybox": 0o755},
    )
    found = surface(Rootfs(files))
    assert found.executables == 1
    assert found.counts == dict.fromkeys(KINDS, 0) | {"shells": 1, "network_clients": 1}
    assert found.paths == {"shells": ("/bin/ash",), "network_clients": ("/usr/bin/nc",)}


def test_programs_begin_as_programs_do(tmp_path: Path) -> None:
    files = files_of(
        tmp_path,
        {
            "main": ELF,
            "run.sh": "#!/bin/sh\n",
            "data": "text",
            "lib/libc.so.6": ELF,
            "not-executable": ELF,
        },
        dict.fromkeys(("main", "run.sh", "data", "lib/libc.so.6"), 493),
    )
    assert surface(Rootfs(files)).programs == ("/main", "/run.sh")


def test_hard_links_are_one_program(tmp_path: Path) -> None:
    files = files_of(tmp_path, {"usr/bin/perl": ELF}, {"usr/bin/perl": 0o755})
    os.link(tmp_path / "usr/bin/perl", tmp_path / "usr/bin/perl5.36.0")
    files = list_files(files.tree.__class__([tmp_path], process_ownership()))
    found = surface(Rootfs(files))
    assert (found.executables, found.counts["interpreters"]) == (1, 1)


def test_dangerous_modes_are_counted(tmp_path: Path) -> None:
    files = files_of(
        tmp_path,
        {"bin/su": ELF, "bin/wall": ELF, "var/open": "x", "tmp/x": "", "pub/x": ""},
        {"bin/su": 0o4755, "bin/wall": 0o2755, "var/open": 0o666, "tmp": 0o1777, "pub": 0o777},
    )
    found = surface(Rootfs(files))
    assert found.paths["setuid"] == ("/bin/su", "/bin/wall")
    assert found.paths["world_writable"] == ("/pub", "/var/open")


@pytest.mark.skipif(os.geteuid() != 0, reason="capabilities of files are set by root")
def test_capabilities_of_files_are_found(tmp_path: Path) -> None:
    files = files_of(tmp_path, {"bin/ping": ELF}, {"bin/ping": 0o755})
    value = bytes.fromhex("0100000200200000000000000000000000000000")
    os.setxattr(tmp_path / "bin/ping", "security.capability", value)
    assert surface(Rootfs(files)).paths["capabilities"] == ("/bin/ping",)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("bash", "shells"),
        ("gcc-12", "compilers"),
        ("x86_64-linux-gnu-gcc-12", "compilers"),
        ("aarch64-linux-gnu-ld.bfd", "compilers"),
        ("python3.11", "interpreters"),
        ("pip3", "package_managers"),
        ("nc.openbsd", "network_clients"),
        ("link", ""),
        ("ldconfig", ""),
        ("7z", ""),
    ],
)  # fmt: skip
def test_kinds_go_by_names_without_version_and_triple(name: str, kind: str) -> None:
    assert kind_of(name) == kind


def test_links_lead_nowhere_outside_and_pipes_are_not_opened(tmp_path: Path) -> None:
    root = tmp_path / "root"
    files_of(root, {"bin/sh": "->../../../bin/sh", "bin/zsh": "->zsh", "x": ""})
    os.mkfifo(root / "bin/bash", 0o755)
    files = list_files(StackTree([root], process_ownership()))
    assert surface(Rootfs(files)).executables == 0
    assert files.read("/bin/sh", 10) is None
    assert files.read("/bin/bash", 10) is None
    assert files.read("/bin/zsh", 10) is None


def test_a_tree_of_more_entries_than_the_limit_is_not_listed_whole(tmp_path: Path) -> None:
    files_of(tmp_path, {f"d/{number}": "" for number in range(20)})
    files = list_files(StackTree([tmp_path], process_ownership()), limit=10)
    assert len(files.entries) == 10
    assert not files.is_whole


def test_totals_count_hard_links_once_and_leave_directories_out(tmp_path: Path) -> None:
    files_of(tmp_path, {"a/x": "12345", "a/node_modules/y": "123", "b": "1"})
    os.link(tmp_path / "a/x", tmp_path / "a/z")
    files = list_files(StackTree([tmp_path], process_ownership()))
    assert files.totals[""] == (9, 4)
    assert files.total("/a", without="node_modules") == (5, 2)
