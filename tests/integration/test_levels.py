"""The same image at every sandbox level that this machine can be brought to."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from host_tools import lacking, tool
from jettison.sandbox.spec import DEFAULT_CAPABILITIES
from level_rig import NOBODY_S_UID, Level, Machine, subordinate_uid

pytestmark = [pytest.mark.needs_root, pytest.mark.slow, pytest.mark.xdist_group("levels")]

BUSYBOX = Path("/bin/busybox")

Result = tuple[list[str], str]
"""Layers by content, and the digest of a tar of all files with one time."""

FILES = """\
FROM scratch AS base
ADD base.tar /
FROM base AS made
COPY --chown=1000:1001 --chmod=640 a.txt /data/
COPY --chown=1000:1001 link /data/
WORKDIR /srv/app
FROM base
COPY --from=made /data /data
COPY --from=made --chown=5:6 /home /home2
USER ann
WORKDIR /work
"""
STEPS = """\
FROM scratch AS base
ADD base.tar /
FROM base AS made
COPY --chown=1000:1001 a.txt /data/
WORKDIR /srv/app
RUN touch /data/new && mkdir -p /opt/x/y && rm /etc/gone && chmod 600 /data/a.txt
RUN echo more >> /home/ann/.profile && rm /var/spool/other && ln /data/new /data/twice
FROM base
COPY --from=made /data /data
COPY --from=made --chown=5:6 /opt /opt
RUN echo hi > /hello && mkdir /home/new && rm -rf /etc/gone && mkdir /etc/gone && mv /tmp /moved
RUN mkdir -p /srv/app && touch /srv/app/f && ln -s f /srv/app/l && chown -R ann:7 /srv/app \\
    && cd /srv && chown 5:6 app/f && chown -h 8:9 app/l && ! chown ann /nowhere
RUN test "$(readlink /proc/self/exe)" = /bin/busybox && echo fd > /dev/stdout && wc -l < /dev/fd/0
RUN touch /srv/shut && chmod 0 /srv/shut && chown 4:5 /srv/shut && chmod 640 /srv/shut
RUN cp /bin/busybox /bin/su && chmod 4755 /bin/su && chown 3:3 /bin/su && chmod 700 /home/ann
RUN --mount=type=cache,target=/cache,uid=5 --mount=type=bind,from=made,target=/m \\
    --mount=type=tmpfs,target=/t --mount=type=secret,id=s,target=/run/s \\
    ls /m/data > /listing && cat /run/s | wc -c >> /listing && touch /cache/x /t/y
USER ann
RUN cd /home/ann && mkdir own && echo mine > own/file && ln -s file own/link
USER root
RUN --mount=type=cache,target=/cache,uid=5 ls /cache > /cached && ! test -e /t && ! test -e /m
"""


def make_context(place: Path) -> None:
    """Make a context whose base has many owners, links, modes and whatever else is hard."""
    place.mkdir()
    (place / "a.txt").write_text("a\n")
    (place / "link").symlink_to("a.txt")
    (place / "secret").write_text("12345678")
    with tarfile.open(place / "base.tar", "w") as tar:

        def add(
            name: str, mode: int, owner=(0, 0), kind=tarfile.REGTYPE, data=b"", link=""
        ) -> None:
            entry = tarfile.TarInfo(name)
            entry.mode, entry.type, entry.linkname, entry.size = mode, kind, link, len(data)
            entry.uid, entry.gid = owner
            entry.mtime = 1_000_000_000
            tar.addfile(entry, io.BytesIO(data))

        for name in ("bin", "etc", "tmp", "home", "var"):
            add(name, 0o755, kind=tarfile.DIRTYPE)
        ann, spool = (1000, 1000), (7, 8)
        add("home/ann", 0o750, ann, tarfile.DIRTYPE)
        add("home/ann/.profile", 0o600, ann, data=b"x\n")
        add("home/ann/link", 0o777, ann, tarfile.SYMTYPE, link=".profile")
        add("home/ann/read-only", 0o400, ann)
        add("home/ann/closed", 0o000, data=b"closed")
        add("var/spool", 0o2775, spool, tarfile.DIRTYPE)
        add("var/spool/job", 0o4755, spool, data=b"j")
        add("var/spool/other", 0o4755, spool, tarfile.LNKTYPE, link="var/spool/job")
        add(
            "etc/passwd", 0o644, data=b"root:x:0:0::/:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n"
        )
        add("etc/gone", 0o644, data=b"g")
        add("bin/busybox", 0o755, data=BUSYBOX.read_bytes())
        for applet in (
            "sh",
            "ls",
            "touch",
            "mkdir",
            "rm",
            "cat",
            "chmod",
            "ln",
            "mv",
            "wc",
            "test",
            "readlink",
        ):
            add(f"bin/{applet}", 0o777, kind=tarfile.SYMTYPE, link="busybox")
    (place / "files.dockerfile").write_text(FILES)
    (place / "steps.dockerfile").write_text(STEPS)


class Rig:
    """Builds as different users in different surroundings."""

    def __init__(self, place: Path) -> None:
        self.context = place / "context"
        self._machine = Machine(place, [self.context])
        make_context(self.context)

    def build(self, file: str, isolation: str = "", *, uid: int = 0) -> Result:
        """Build as a user of this machine; return the layers and the digest of all files."""
        return self._build(file, Level("", uid=uid, isolation=isolation))

    def build_in_container(
        self, file: str, *, uid: int = 0, capabilities: tuple[str, ...] = ()
    ) -> Result:
        """Build in a container with docker's system call filter and no right to mount."""
        level = Level("", uid=uid, contained=True, capabilities=capabilities)
        return self._build(file, level)

    def fail_in_container(self, file: str, *, uid: int = 0) -> str:
        level = Level("", uid=uid, contained=True)
        home = self._machine.home(uid)
        code, said = self._machine.run(level, home, *self._arguments(file, home))
        assert code != 0
        return said

    def _build(self, file: str, level: Level) -> Result:
        home = self._machine.home(level.uid)
        code, self.said = self._machine.run(level, home, *self._arguments(file, home))
        assert code == 0, self.said
        layers = json.loads((home / "facts.json").read_text())["jettison"]["contents"]
        with (home / "files.tar").open("rb") as archive:
            return layers, hashlib.file_digest(archive, "sha256").hexdigest()

    def _arguments(self, file: str, home: Path) -> list[str]:
        return [
            "build", "-f", f"{self.context}/{file}.dockerfile",
            "--secret", f"id=s,src={self.context}/secret",
            "--metadata-file", f"{home}/facts.json", str(self.context),
            "--output", f"type=tar,dest={home}/files.tar,source-date-epoch=1",
        ]  # fmt: skip


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    if not BUSYBOX.exists():
        lacking("busybox-static")
    # Directories of pytest are root's alone.
    with tempfile.TemporaryDirectory(prefix="levels-") as place:
        os.chmod(place, 0o755)
        yield Rig(Path(place))


@pytest.fixture(scope="module")
def expected(rig) -> dict[str, Result]:
    return {file: rig.build(file, "embedded") for file in ("files", "steps")}


@pytest.mark.parametrize("runtime", ["crun", "runc"])
def test_a_runtime_makes_the_same_image(rig, expected, runtime):
    tool(runtime)
    assert rig.build("steps", runtime) == expected["steps"]


@pytest.mark.needs_userns
@pytest.mark.parametrize("file", ["files", "steps"])
def test_an_unprivileged_user_makes_the_same_image(rig, expected, file):
    assert rig.build(file, uid=subordinate_uid()) == expected[file]


@pytest.mark.parametrize("file", ["files", "steps"])
def test_a_user_without_subordinate_ids_makes_the_same_image(rig, expected, file):
    assert rig.build(file, uid=NOBODY_S_UID) == expected[file]
    if file == "steps":
        assert "sandbox `single-id`" in rig.said
        assert "no subordinate uids" in rig.said


def test_root_may_ask_to_be_alone(rig, expected):
    assert rig.build("steps", "single-id") == expected["steps"]
    assert "sandbox `single-id`" in rig.said


def test_a_chroot_makes_the_same_image(rig, expected):
    assert rig.build("steps", "in-container") == expected["steps"]
    assert "without isolation" in rig.said


@pytest.mark.parametrize("capabilities", [DEFAULT_CAPABILITIES, ("CAP_SYS_CHROOT",)])
@pytest.mark.parametrize("file", ["files", "steps"])
def test_a_container_without_namespaces_makes_the_same_image(rig, expected, file, capabilities):
    built = rig.build_in_container(file, capabilities=capabilities)
    assert built == expected[file]
    assert ("without isolation" in rig.said) == (file == "steps")


@pytest.mark.parametrize("uid", [0, NOBODY_S_UID])
def test_without_run_no_right_at_all_is_needed(rig, expected, uid):
    assert rig.build_in_container("files", uid=uid) == expected["files"]


@pytest.mark.parametrize("uid", [0, NOBODY_S_UID])
def test_run_without_any_right_is_an_error_with_reasons(rig, uid):
    said = rig.fail_in_container("steps", uid=uid)
    assert "no sandbox works on this host" in said
    assert "no right to chroot" in said
    assert "hint:" in said
