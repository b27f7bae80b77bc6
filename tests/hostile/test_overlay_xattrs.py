"""Attributes that a snapshotter would take for its own: layers mean the same for all of them."""

from __future__ import annotations

import io
import os
import re
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from fuse_device import with_fuse_for_all
from host_tools import tool
from level_rig import Level, Machine, subordinate_uid

pytestmark = [pytest.mark.needs_root, pytest.mark.slow]

OVERLAY_XATTRS = [
    "user.fuseoverlayfs.opaque",
    "user.fuseoverlayfs.origin",
    "user.overlay.opaque",
    "user.overlay.redirect",
    "user.overlay.metacopy",
    "user.overlay.overlay.opaque",
    "trusted.overlay.opaque",
    "trusted.overlay.overlay.opaque",
]
BASE = """FROM scratch AS base
ADD base.tar /
COPY tree /tree
ENV PATH=/bin
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN mkdir -p /full/below && touch /full/file /full/below/file
"""
WRITE = f"""RUN for name in {" ".join(OVERLAY_XATTRS)}; do for place in /full /full/below /full/file /tree /new; do \\
  mkdir -p /new; setfattr -n $name -v y $place 2>/dev/null; done; done; setfattr -n user.mine -v kept /full; touch /written
"""
SNAPSHOTTERS = ("overlay", "fuse-overlayfs", "copy")
READ = (
    "ARG X\nRUN find /full /new /tree /written | sort | tee /seen; grep -q /full/below/file /seen\n"
)


def make_context(place: Path, busybox: str) -> None:
    """Make a context and a base archive whose files have all those attributes already."""
    program = tool("setfattr")
    linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    (place / "tree").mkdir(parents=True)
    (place / "tree/a").touch()
    for name in OVERLAY_XATTRS:
        os.setxattr(place / "tree", name, b"y")
    with tarfile.open(place / "base.tar", "w", format=tarfile.PAX_FORMAT) as tar:
        for source, name in (
            (busybox, "bin/busybox"),
            (program, "bin/setfattr"),
            *((path, path.lstrip("/")) for path in re.findall(r"(/\S+) ", linked)),
        ):
            entry = tarfile.TarInfo(name)
            data = Path(source).read_bytes()
            entry.mode, entry.size = 0o755, len(data)
            entry.pax_headers = {f"SCHILY.xattr.{name}": "y" for name in OVERLAY_XATTRS}
            tar.addfile(entry, io.BytesIO(data))
    (place / "write.dockerfile").write_text(BASE + WRITE)
    (place / "read.dockerfile").write_text(BASE + WRITE + READ)


def attributes(archive: Path) -> set[str]:
    """Return the names of all attributes in the layers of an OCI archive."""
    found = set()
    with tarfile.open(archive) as outer:
        for member in outer.getmembers():
            file = outer.extractfile(member) if member.name.startswith("blobs/") else None
            data = file.read() if file is not None else b""
            try:
                with tarfile.open(fileobj=io.BytesIO(data)) as layer:
                    for entry in layer.getmembers():
                        found |= {n for n in entry.pax_headers if n.startswith("SCHILY.xattr.")}
            except tarfile.ReadError:
                continue
    return {name.removeprefix("SCHILY.xattr.") for name in found}


@pytest.mark.parametrize("who", ["root", "user"])
def test_attributes_of_one_snapshotter_mean_nothing_to_another(
    open_place: Path, need: Callable[[str], str], who: str
) -> None:
    place = open_place
    context = place / "context"
    make_context(context, need("busybox"))
    machine = Machine(place)
    uid = subordinate_uid() if who == "user" else 0
    (place / "devices").mkdir()
    prefix = tuple(with_fuse_for_all(place / "devices")) if uid else ()
    for writer in SNAPSHOTTERS:
        home = machine.home(uid)
        first = Level("first", uid=uid, snapshotter=writer, prefix=prefix)
        build = ("build", "--progress=plain", str(context), "-f")
        status, said = machine.run(first, home, *build, f"{context}/write.dockerfile")
        assert status == 0, said
        for reader in set(SNAPSHOTTERS) - {writer}:
            second = Level("second", uid=uid, snapshotter=reader, prefix=prefix)
            out = home / f"{reader}.tar"
            flags = ("--build-arg", f"X={reader}", "-o", f"type=oci,dest={out},compression=none")
            status, said = machine.run(second, home, *build, f"{context}/read.dockerfile", *flags)
            assert status == 0, f"{writer}, {reader}: {said}"
            assert attributes(out) == {"user.mine"}, f"{writer}, {reader}"
        status, said = machine.run(first, home, "fsck")
        assert status == 0, said
