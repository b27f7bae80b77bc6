"""What suites of the sandbox run containers with: a busybox root and a recorder of output.

A suite takes the fixtures ``base`` and ``rig`` as they are, and ``driver`` for the drivers it is about.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from host_tools import lacking
from jettison.linux.userns import has_single_id, is_rootless
from jettison.sandbox.base import Running, Sandbox, Streams
from jettison.sandbox.helper.client import Helper
from jettison.sandbox.level import DRIVERS, IN_CONTAINER, SINGLE_ID
from jettison.sandbox.rootfs.base import COPY, FUSE, RootedSandbox
from jettison.sandbox.select import make, make_snapshotter
from jettison.sandbox.spec import Root, RootKind, SandboxSpec
from ownership_rig import OWNERSHIP

BUSYBOX = Path("/bin/busybox")
APPLETS = [
    "cat",
    "chmod",
    "cp",
    "echo",
    "env",
    "false",
    "grep",
    "id",
    "ls",
    "mkdir",
    "mknod",
    "mount",
    "mv",
    "printf",
    "ps",
    "pwd",
    "rm",
    "rmdir",
    "sh",
    "sleep",
    "sort",
    "stat",
    "stty",
    "test",
    "touch",
    "true",
    "tty",
    "umount",
    "unshare",
    "wc",
]
OLD = 1_000_000_000 * 10**9

_LACKS = {
    SINGLE_ID: {
        "there is one user": (
            "test_it_becomes_the_user_and_the_groups_of_the_spec",
            "test_a_secret_is_a_file_with_owner_and_mode_that_leaves_nothing",
        ),
        "apt is told about it by a variable": ("test_the_environment_is_exactly_the_spec_s",),
        "chown is answered by processes of ours": ("test_it_sees_its_own_processes_only",),
    },
    IN_CONTAINER: {
        "capabilities and filter are those of the container around": (
            "test_root_has_the_default_capabilities",
            "test_other_users_have_capabilities_in_the_bounding_set_only",
            "test_a_capability_can_be_taken_away",
            "test_dangerous_system_calls_are_filtered",
            "test_a_profile_takes_the_place_of_the_filter",
            "test_a_privileged_container_has_every_capability_and_no_filter",
        ),
        "who answers for /proc must take new privileges away": (
            "test_new_privileges_are_allowed_so_that_sudo_works",
        ),
        "/proc is there for calls that open only, and there is no /sys": (
            "test_only_three_descriptors_are_open",
            "test_kernel_paths_are_hidden_or_write_protected",
        ),
        "there are no namespaces": (
            "test_it_sees_its_own_processes_only",
            "test_the_host_name_is_its_own",
            "test_without_a_network_there_is_loopback_only_and_it_is_up",
            "test_devices_are_the_usual_ones",
            "test_a_terminal_has_the_size_of_the_user_s_and_is_the_session_s",
        ),
        "nothing can be mounted": (
            "test_shared_memory_has_the_size_of_the_spec",
            "test_a_mount_takes_the_place_of_shared_memory",
            "test_a_read_only_root_cannot_be_written_but_mounts_can",
            "test_a_bind_mount_can_be_written",
            "test_a_read_only_bind_mount_cannot_be_written_anywhere",
            "test_a_path_in_a_stack_of_layers_can_be_mounted",
            "test_a_tmpfs_has_its_size_and_mode",
            "test_mounts_are_made_in_order",
            "test_mount_points_leave_no_trace_and_no_new_time",
            "test_a_root_that_links_its_proc_elsewhere_is_refused",
            "test_a_directory_can_be_the_root",
        ),
    },
}
"""What a level promises less than the others (docs/adr/0006-sandbox-levels.md), and why."""


def drivers_here() -> tuple[str, ...]:
    """Return the drivers that this process can run at all, also on other snapshotters."""
    names = (SINGLE_ID,) if has_single_id() else DRIVERS[:1] if is_rootless() else DRIVERS[:2]
    others = (*(f"{name}+{FUSE}" for name in names), f"{names[0]}+{COPY}")
    return (SINGLE_ID, *others) if has_single_id() else (*DRIVERS, IN_CONTAINER, *others)


def make_driver(name: str, **more) -> Sandbox | None:
    """Return a driver, or ``DRIVER+SNAPSHOTTER``; None when a program of it is not installed."""
    plain, _, snapshotter = name.partition("+")
    sandbox = make(plain, OWNERSHIP, **more)
    if not snapshotter or sandbox is None:
        return sandbox
    if snapshotter == FUSE and not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return None
    roots = make_snapshotter(snapshotter, OWNERSHIP)
    return None if roots is None else RootedSandbox(sandbox, roots)


def variant(sandbox: Sandbox) -> str:
    """Return the name that makes a driver again."""
    if isinstance(sandbox, RootedSandbox):
        return f"{sandbox.name}+{sandbox.snapshotter}"
    return sandbox.name


def why_lacking(driver: str, test: str) -> str:
    """Return why a test says nothing about a driver, empty when it does."""
    return next((why for why, tests in _LACKS.get(driver, {}).items() if test in tests), "")


def make_base(path: Path) -> Path:
    """Make a layer with busybox, a user and old times."""
    if not BUSYBOX.exists():
        lacking("busybox-static")
    for name in ("bin", "etc", "tmp", "home", "var"):
        (path / name).mkdir(parents=True)
    shutil.copy(BUSYBOX, path / "bin/busybox")
    for name in APPLETS:
        (path / "bin" / name).symlink_to("busybox")
    (path / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\nann:x:1000:1000::/home:/bin/sh\n")
    (path / "var/run").symlink_to("/run")
    for found in [*path.rglob("*"), path]:
        os.utime(found, ns=(OLD, OLD), follow_symlinks=False)
    return path


class Result:
    """A finished container."""

    def __init__(self, code: int, stdout: bytes, stderr: bytes, upper: Path) -> None:
        self.code = code
        self.stdout = stdout
        self.stderr = stderr
        self.upper = upper

    @property
    def text(self) -> str:
        return self.stdout.decode()

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    def changes(self) -> list[str]:
        """Return the paths in the upper directory."""
        return sorted(str(path.relative_to(self.upper)) for path in self.upper.rglob("*"))


class Started:
    """A running container whose output is collected."""

    def __init__(self, running: Running, upper: Path, out: int, err: int) -> None:
        self.running = running
        self.upper = upper
        self._files = (out, err)

    def finish(self) -> Result:
        try:
            code = self.running.wait()
            out, err = (self.read(descriptor) for descriptor in self._files)
        finally:
            for descriptor in self._files:
                os.close(descriptor)
        return Result(code, out, err, self.upper)

    def output(self) -> bytes:
        return self.read(self._files[0])

    @staticmethod
    def read(descriptor: int) -> bytes:
        return os.pread(descriptor, 1 << 22, 0)


class Rig:
    """Starts containers of one driver on fresh overlays of one base."""

    def __init__(self, sandbox: Sandbox, base: Path, place: Path) -> None:
        self.sandbox = sandbox
        self.base = base
        self.place = place
        self._count = 0
        self._lock = threading.Lock()

    @property
    def helper(self) -> Helper:
        """Return the driver's helper."""
        return getattr(self.sandbox, "_sandbox", self.sandbox)._helper

    def root(self, *lowers: Path, kind: RootKind = RootKind.OVERLAY) -> Root:
        with self._lock:
            self._count += 1
            top = self.place / f"root-{self._count}"
        for name in ("upper", "work"):
            (top / name).mkdir(parents=True)
        os.utime(top / "upper", ns=(OLD, OLD))
        return Root(kind, top / "upper", top / "work", (self.base, *lowers))

    def start(self, *argv: str, stdin: bytes = b"", root: Root | None = None, **more) -> Started:
        root = root or self.root()
        env = more.pop("env", ("PATH=/usr/bin:/bin",))
        spec = SandboxSpec(root=root, argv=argv, env=env, **more)
        out, err = (os.open(self.place, os.O_RDWR | os.O_TMPFILE, 0o600) for _ in range(2))
        with tempfile.TemporaryFile() as source:
            source.write(stdin)
            source.seek(0)
            running = self.sandbox.start(spec, Streams(source.fileno(), out, err))
        return Started(running, root.upper, out, err)

    def run(self, *argv: str, **more) -> Result:
        return self.start(*argv, **more).finish()

    def sh(self, script: str, **more) -> Result:
        return self.run("/bin/sh", "-c", script, **more)


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    return make_base(tmp_path_factory.mktemp("base"))


def driver_of(names: Iterable[str]):
    """Return the fixture ``driver`` for drivers by their names, see ``make_driver``."""

    @pytest.fixture(scope="module", params=[*names])
    def driver(request) -> Iterator[Sandbox]:
        if os.geteuid() != 0:
            lacking("root")
        sandbox = make_driver(request.param)
        if sandbox is None:
            lacking(request.param)
        yield sandbox
        sandbox.close()

    return driver


@pytest.fixture
def rig(driver, base, tmp_path, request) -> Rig:
    """Containers of a driver; a test that says nothing about it is skipped."""
    reason = why_lacking(driver.name, request.node.originalname)
    if reason:
        pytest.skip(reason)
    return Rig(driver, base, tmp_path)
