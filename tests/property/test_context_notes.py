"""Whatever happens to a context between builds, notes about it change no digest and no layer."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copy_rig import copy_op, fill
from jettison.copier.select import select
from jettison.fs.digest import FileDigests
from jettison.fs.host_tree import HostTree
from jettison.source.local import LocalTree

PROFILE = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
FILES = {"a": "a", "d/b": "b", "d/e/f": "f", "d/e/g": "g", "h/i": "i", "h/l": "-> i"}
PLACES = st.sampled_from(
    ["a", "d", "d/b", "d/e", "d/e/f", "d/e/g", "h", "h/i", "h/l", "new", "h/n"]
)
EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), PLACES, st.sampled_from(["a", "b", "x"])),
        st.tuples(st.just("rename"), PLACES, PLACES),
        st.tuples(st.just("link"), PLACES, PLACES),
        st.tuples(st.just("symlink"), PLACES, PLACES),
        st.tuples(st.just("chmod"), PLACES, st.sampled_from(["700", "755", "777"])),
        st.tuples(st.just("remove"), PLACES, st.just("")),
        st.tuples(st.just("mkdir"), PLACES, st.just("")),
        st.tuples(st.just("build"), PLACES, st.just("")),
    ),
    max_size=12,
)


class Table:
    """A memo table in memory."""

    blob: bytes | None = None

    def file_memo(self, root: str) -> bytes | None:
        return self.blob

    def set_file_memo(self, root: str, blob: bytes) -> None:
        self.blob = blob


def edit(root: Path, kind: str, place: str, value: str) -> None:
    """Change a context; times of files are always the same, as after a checkout."""
    path = root / place
    match kind:
        case "write":
            path.write_text(value)
            os.utime(path, ns=(0, 0))
        case "rename":
            path.rename(root / value)
        case "link":
            os.link(path, root / value, follow_symlinks=False)
        case "symlink":
            path.symlink_to(value)
        case "chmod":
            path.chmod(int(value, 8))
        case "remove":
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        case "mkdir":
            path.mkdir()


def check(root: Path, table: Table) -> None:
    """Compare a build that uses and makes notes with one that has none."""
    tree = LocalTree(root, digests=FileDigests.load(table, root))
    op = copy_op(".", "/")
    plain = select(op, [HostTree(root, context=True)])
    noted = select(op, [tree])
    assert noted.digest() == plain.digest()
    shown = [(each.path, each.mode, each.target, each.leader) for each in noted.sources[0].entries]
    assert shown == [(e.path, e.mode, e.target, e.leader) for e in plain.sources[0].entries]
    tree.save_digests()


@PROFILE
@given(EDITS)
def test_notes_never_change_what_is_selected(edits: list[tuple[str, str, str]]) -> None:
    ahead = itertools.count(time.time_ns() + 3_600_000_000_000)
    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time_ns", lambda: next(ahead))
        root, table = fill(Path(directory, "context"), FILES), Table()
        check(root, table)
        for kind, place, value in edits:
            if kind == "build":
                check(root, table)
                continue
            try:
                edit(root, kind, place, value)
            except OSError:
                continue
        check(root, table)
        check(root, table)
