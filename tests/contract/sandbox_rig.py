"""What the sandbox contract suite runs containers with: a busybox root and a recorder of output."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from pathlib import Path

from jettison.sandbox.base import Running, Sandbox, Streams
from jettison.sandbox.spec import Root, RootKind, SandboxSpec

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


def make_base(path: Path) -> Path:
    """Make a layer with busybox, a user and old times."""
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
