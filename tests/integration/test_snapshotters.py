"""The same layers, wherever root file systems come from."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.sandbox_rig import Rig as SandboxRig
from contract.sandbox_rig import make_base, make_driver
from fuse_device import with_fuse_for_all
from host_tools import lacking
from integration.test_levels import BUSYBOX, Result, Rig
from jettison.api.host import examine_host
from jettison.errors import SandboxUnavailableError
from jettison.sandbox.select import choose
from jettison.settings import Settings
from level_rig import NOBODY_S_UID, Level, subordinate_uid
from ownership_rig import OWNERSHIP

pytestmark = [pytest.mark.needs_root, pytest.mark.slow, pytest.mark.xdist_group("snapshotters")]

SNAPSHOTTERS = ("fuse-overlayfs", "copy")
OLD = 1_000_000_000

HARD = """\
FROM scratch
ADD base.tar hard.tar /
RUN rm /hard/file && rm -rf /hard/tree && rmdir /hard/empty
RUN rm -rf /hard/again && mkdir /hard/again && touch /hard/again/new
RUN rm -rf /hard/again/new && mkdir -p /hard/again/deep/er && rm -rf /hard/again/deep
RUN rm -rf /hard/to-link && ln -s again /hard/to-link && rm /hard/to-dir && mkdir -p /hard/to-dir/x
RUN mkdir /hard/made && mv /hard/made /etc/made && mkdir -p /hard/gone/x && rm -rf /hard/gone
RUN mv /hard/lower /hard/moved && mv /hard/moved/a /hard/moved/b && mv /hard/other /hard/name
RUN ln /hard/one /hard/linked && echo more >> /hard/linked && rm /hard/twin
RUN touch /hard/l1 && ln /hard/l1 /hard/l2 && mv /hard/l1 /hard/deep/l1
RUN chmod 700 /hard/capped && chown 7:8 /hard/owned/capped && chown -R ann:7 /hard/owned
RUN chmod 4711 /hard/still/mode && stat -c '%n %Y' /hard/still/* > /times
RUN chmod 2770 /hard/deep && chmod 1777 /hard/still
RUN echo more >> /hard/deep/opened && chmod 600 /hard/still/mode
RUN echo more >> /hard/deep/../noted && touch /hard/noted-directory/x
RUN mkfifo /hard/fifo && { mknod /hard/device c 1 3 || mkdir /hard/refused; }
RUN --mount=type=bind,target=/src --mount=type=bind,target=/out,rw --mount=type=tmpfs,target=/t \\
    cat /src/a.txt > /from-bind && echo x > /out/a.txt && ls /out > /listed && touch /t/x
RUN ls -A / /hard /hard/deep /hard/again > /seen && cat /out/a.txt >> /seen || true
"""
CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")


def make_hard_tar(path: Path) -> None:
    """Make what is hard to change: many kinds of files with old times."""
    attributes = {
        "capped": {"SCHILY.xattr.security.capability": CAPABILITY.decode("latin-1")},
        "owned/capped": {"SCHILY.xattr.security.capability": CAPABILITY.decode("latin-1")},
        "noted": {"SCHILY.xattr.user.note": "of the file"},
        "noted-directory": {"SCHILY.xattr.user.note": "of the directory"},
    }
    directories = ["tree", "tree/sub", "empty", "again", "again/sub", "to-link", "lower"]
    directories += ["other", "deep", "still", "owned", "noted-directory"]
    files = ["file", "tree/a", "tree/sub/b", "again/a", "again/sub/b", "to-link/a", "to-dir"]
    files += ["lower/a", "other/a", "one", "twin", "still/mode", "still/untouched", "deep/opened"]
    files += ["capped", "owned/a", "owned/capped", "noted", "noted-directory/a"]
    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as tar:
        for name in ["", *directories, *files]:
            entry = tarfile.TarInfo(f"hard/{name}".rstrip("/"))
            entry.mtime = OLD
            entry.pax_headers = attributes.get(name, {})
            if name in files:
                content = name.encode()
                entry.mode, entry.size = 0o644, len(content)
                tar.addfile(entry, io.BytesIO(content))
            else:
                entry.mode, entry.type = 0o755, tarfile.DIRTYPE
                tar.addfile(entry)
        pair = tarfile.TarInfo("hard/linked-before")
        pair.type, pair.linkname, pair.mtime = tarfile.LNKTYPE, "hard/twin", OLD
        tar.addfile(pair)


class SnapshotterRig(Rig):
    """Builds on one of the snapshotters."""

    prefix: tuple[str, ...] = ()

    def build_on(self, file: str, snapshotter: str, *, uid: int) -> Result:
        """Build as a user of this machine; return the layers and the digest of all files."""
        return self._build(file, Level("", uid=uid, snapshotter=snapshotter, prefix=self.prefix))


@pytest.fixture(scope="module")
def rig() -> Iterator[SnapshotterRig]:
    if not BUSYBOX.exists():
        lacking("busybox-static")
    with tempfile.TemporaryDirectory(prefix="snapshotters-") as place:
        Path(place).chmod(0o755)
        rig = SnapshotterRig(Path(place))
        make_hard_tar(rig.context / "hard.tar")
        (rig.context / "hard.dockerfile").write_text(HARD)
        rig.prefix = tuple(with_fuse_for_all(Path(place, "device")))
        yield rig


@pytest.fixture(scope="module")
def users() -> dict[str, int]:
    return {"root": 0, "user": subordinate_uid(), "alone": NOBODY_S_UID}


@pytest.fixture(scope="module")
def expected(rig: SnapshotterRig, users: dict[str, int]) -> dict[tuple[str, str], Result]:
    """Return what the kernel's overlayfs makes."""
    return {
        (file, user): rig.build_on(file, "overlay", uid=uid)
        for file in ("steps", "hard")
        for user, uid in users.items()
    }


@pytest.mark.needs_userns
@pytest.mark.parametrize("snapshotter", SNAPSHOTTERS)
@pytest.mark.parametrize("user", ["root", "user", "alone"])
@pytest.mark.parametrize("file", ["steps", "hard"])
def test_all_snapshotters_make_the_same_layers(rig, expected, users, file, user, snapshotter):
    built = rig.build_on(file, snapshotter, uid=users[user])
    assert built == expected[file, user]
    assert "snapshotter `" not in rig.said  # it was asked for


def test_a_snapshotter_that_is_asked_for_and_refused_is_an_error_with_a_remedy(on_an_overlay):
    with pytest.raises(SandboxUnavailableError, match="mount the root file system") as caught:
        choose(OWNERSHIP, "embedded", on_an_overlay, "overlay")
    assert "`--root`" in (caught.value.hint or "")


def test_the_doctor_tells_why_overlayfs_does_not_work_and_what_is_used(on_an_overlay):
    checks = examine_host(Settings(root=str(on_an_overlay / "store")), os.environ)
    found = {check.name: check for check in checks}
    assert found["sandbox embedded"].works
    refused = found["snapshotter overlay"]
    assert (refused.works, refused.remedy[:13]) == (False, "Put the store")
    assert found["snapshotter copy"].detail == "works, and is used"


@pytest.mark.parametrize("isolation", ["embedded", "in-container"])
def test_a_store_on_an_overlay_gets_the_same_layers(on_an_overlay, rig, expected, isolation):
    facts = on_an_overlay / "facts.json"
    argv = [sys.executable, "-m", "jettison", "--root", on_an_overlay / "store", "build"]
    argv += ["--metadata-file", facts, "-f", rig.context / "hard.dockerfile"]
    if isolation != "embedded":
        argv += ["--isolation", isolation]
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [*argv, rig.context], env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    said = "snapshotter `copy`: each RUN copies its root file system, since overlayfs"
    assert done.stderr.count(said) == (isolation == "embedded")
    layers = json.loads(facts.read_bytes())["jettison"]["contents"]
    assert layers == expected["hard", "root"][0]


def test_a_server_that_is_killed_ends_the_step_with_an_error_that_names_it(tmp_path, need):
    need("fuse-overlayfs")
    base = make_base(tmp_path / "base")
    sandbox = make_driver("embedded+fuse-overlayfs")
    assert sandbox is not None
    rig = SandboxRig(sandbox, base, tmp_path)
    started = rig.start("/bin/sh", "-c", "echo begun > /begun; sleep 1000")
    upper = started.upper
    end = time.monotonic() + 20
    while not (upper / "begun").exists():
        assert time.monotonic() < end
        time.sleep(0.01)
    (server,) = (
        int(process.name)
        for process in Path("/proc").glob("[0-9]*")
        if "fuse-overlayfs" in _command(process) and _is_open_below(process, upper.parent)
    )
    os.kill(server, signal.SIGKILL)
    with pytest.raises(SandboxUnavailableError, match="run fuse-overlayfs"):
        started.finish()
    sandbox.close()


def _command(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def _is_open_below(process: Path, place: Path) -> bool:
    return any(os.readlink(each).startswith(f"{place}/") for each in (process / "fd").iterdir())
