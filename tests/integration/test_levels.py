"""The same image at every sandbox level that this machine can be brought to."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pwd
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import jettison
from host_tools import lacking
from jettison.linux.subids import WANTED, read_ranges
from jettison.sandbox.base import Streams
from jettison.sandbox.embedded import EmbeddedSandbox
from jettison.sandbox.spec import (
    DEFAULT_CAPABILITIES,
    BindMount,
    Root,
    RootKind,
    SandboxSpec,
    TmpfsMount,
)

pytestmark = [pytest.mark.needs_root, pytest.mark.slow]

BUSYBOX = Path("/bin/busybox")
NOBODY_S_UID = 54321
"""Of no account and without subordinate ids."""

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
        ):
            add(f"bin/{applet}", 0o777, kind=tarfile.SYMTYPE, link="busybox")
    (place / "files.dockerfile").write_text(FILES)
    (place / "steps.dockerfile").write_text(STEPS)


class Rig:
    """Builds as different users in different surroundings."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.context = place / "context"
        self.prefix: list[str] = []
        """Words before the command of a user who is not root."""
        self._count = 0
        make_context(self.context)

    def build(self, file: str, *flags: str, uid: int = 0) -> Result:
        """Build as a user of this machine; return the layers and the digest of all files."""
        home = self._home(uid)
        become = []
        if uid:
            ids = [f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
            become = [*self.prefix, _tool("setpriv"), *ids, _tool("env")]
        command = [*become, self._interpreter(become), *self._arguments(file, home), *flags]
        result = subprocess.run(
            command, env=self._environ(home), cwd="/", capture_output=True, text=True, timeout=120,
            check=False,
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
        self.said = result.stderr
        return self._result(home)

    def build_in_container(
        self, file: str, *flags: str, uid: int = 0, capabilities: tuple[str, ...] = ()
    ) -> Result:
        """Build in a container with docker's system call filter and no right to mount."""
        home = self._home(uid)
        code = self._run_in_container(file, home, flags, uid, capabilities)
        self.said = (home / "said").read_text()
        assert code == 0, self.said
        return self._result(home)

    def fail_in_container(self, file: str, *, uid: int = 0) -> str:
        home = self._home(uid)
        assert self._run_in_container(file, home, (), uid, ()) != 0
        return (home / "said").read_text()

    def _run_in_container(
        self, file: str, home: Path, flags: tuple[str, ...], uid: int, capabilities: tuple[str, ...]
    ) -> int:
        root = self.place / f"container-{self._count}"
        for name in ("base", "upper", "work"):
            (root / name).mkdir(parents=True)
        seen = {sys.base_prefix, *_library_paths(), str(self.context)}
        mounts = [BindMount(Path(path), path, readonly=True) for path in sorted(seen)]
        for name in ("usr", "bin", "lib", "lib64", "etc"):
            if os.path.islink(f"/{name}"):
                (root / "base" / name).symlink_to(os.readlink(f"/{name}"))
            elif os.path.isdir(f"/{name}"):
                mounts.insert(0, BindMount(Path("/") / name, f"/{name}", readonly=True))
        mounts = [TmpfsMount("/tmp"), *mounts, BindMount(home, str(home))]
        argv = [os.path.realpath(sys.executable), *self._arguments(file, home), *flags]
        environ = tuple(f"{name}={value}" for name, value in self._environ(home).items())
        kind = Root(RootKind.OVERLAY, root / "upper", root / "work", (root / "base",))
        spec = SandboxSpec(
            kind, tuple(argv), environ, uid=uid, gid=uid, mounts=tuple(mounts),
            capabilities=capabilities,
        )  # fmt: skip
        sandbox = EmbeddedSandbox()
        try:
            with (home / "said").open("wb") as said, open(os.devnull, "rb") as null:
                streams = Streams(null.fileno(), said.fileno(), said.fileno())
                return sandbox.start(spec, streams).wait()
        finally:
            sandbox.close()

    def _arguments(self, file: str, home: Path) -> list[str]:
        return [
            "-m", "jettison", "build", "-f", f"{self.context}/{file}.dockerfile",
            "--secret", f"id=s,src={self.context}/secret",
            "--metadata-file", f"{home}/facts.json", str(self.context),
            "--output", f"type=tar,dest={home}/files.tar,source-date-epoch=1",
        ]  # fmt: skip

    def _home(self, uid: int) -> Path:
        self._count += 1
        home = self.place / f"home-{self._count}"
        home.mkdir()
        os.chown(home, uid, uid)
        return home

    @staticmethod
    def _environ(home: Path) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "XDG_DATA_HOME": f"{home}/data",
            "PYTHONPATH": os.pathsep.join(_library_paths()),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    @staticmethod
    def _interpreter(become: list[str]) -> str:
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        for program in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
            command = [*become, program, "-c", ""]
            if os.path.exists(program) and not subprocess.run(command, check=False).returncode:
                return program
        lacking(f"a {version} for all users")
        raise AssertionError

    @staticmethod
    def _result(home: Path) -> Result:
        layers = json.loads((home / "facts.json").read_text())["jettison"]["layers"]
        with (home / "files.tar").open("rb") as file:
            return layers, hashlib.file_digest(file, "sha256").hexdigest()


def _library_paths() -> list[str]:
    package = str(Path(jettison.__file__).parent.parent)
    return [package, *(path for path in sys.path if path.endswith("site-packages"))]


def _tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        lacking(f"`{name}`")
    return str(path)


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
    return {file: rig.build(file, "--isolation", "embedded") for file in ("files", "steps")}


@pytest.fixture(scope="module")
def subordinate_uid() -> int:
    for user in pwd.getpwall():
        paths = ("/etc/subuid", "/etc/subgid")
        totals = [sum(n for _, n in read_ranges(path, user.pw_uid)) for path in paths]
        if user.pw_uid and user.pw_uid == user.pw_gid and min(totals) >= WANTED:
            return user.pw_uid
    lacking("a user with subordinate ids")
    raise AssertionError


@pytest.mark.parametrize("runtime", ["crun", "runc"])
def test_a_runtime_makes_the_same_image(rig, expected, runtime):
    _tool(runtime)
    assert rig.build("steps", "--isolation", runtime) == expected["steps"]


@pytest.mark.needs_userns
@pytest.mark.parametrize("file", ["files", "steps"])
def test_an_unprivileged_user_makes_the_same_image(rig, expected, subordinate_uid, file):
    assert rig.build(file, uid=subordinate_uid) == expected[file]


@pytest.mark.parametrize("file", ["files", "steps"])
def test_a_user_without_subordinate_ids_makes_the_same_image(rig, expected, file):
    assert rig.build(file, uid=NOBODY_S_UID) == expected[file]
    if file == "steps":
        assert "sandbox `single-id`" in rig.said
        assert "no subordinate uids" in rig.said


def test_root_may_ask_to_be_alone(rig, expected):
    assert rig.build("steps", "--isolation", "single-id") == expected["steps"]
    assert "sandbox `single-id`" in rig.said


def test_a_chroot_makes_the_same_image(rig, expected):
    assert rig.build("steps", "--isolation", "in-container") == expected["steps"]
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
