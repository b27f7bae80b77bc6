"""A program with the set-user-ID bit has no parent-death signal; it ends with the builder all the same.

It runs as root; ``contract.test_sandbox_rootless`` starts it once more for unprivileged users.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from contract.sandbox_rig import BUSYBOX, Rig, drivers_here, make_base, make_driver, variant
from host_tools import lacking
from scratch_processes import alive, left_after, members_of

pytestmark = pytest.mark.needs_root

BUILDER = """
import sys
from pathlib import Path
from contract.sandbox_rig import make_driver
from jettison.sandbox.base import Streams
from jettison.sandbox.spec import *
name, base, upper, work, init, marker = sys.argv[1:]
root = Root(RootKind.OVERLAY, Path(upper), Path(work), (Path(base),))
argv = ("/bin/busybox-set-uid", "sleep", marker)
spec = SandboxSpec(root=root, argv=argv, env=(), uid=1000, gid=1000, init=bool(init))
make_driver(name).start(spec, Streams(0, 1, 2)).wait()
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    base = make_base(tmp_path_factory.mktemp("base"))
    shutil.copy(BUSYBOX, base / "bin/busybox-set-uid")
    (base / "bin/busybox-set-uid").chmod(0o4755)
    return base


@pytest.fixture(params=drivers_here())
def rig(request, base, tmp_path):
    sandbox = make_driver(request.param)
    if sandbox is None:
        lacking(request.param)
    yield Rig(sandbox, base, tmp_path)
    sandbox.close()


def wait_until(condition: Callable[[], object], builder: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert builder.poll() is None, "it ended too early"
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.01)


def runs(marker: str) -> bool:
    """Tell whether the program itself runs: not the builder or a runtime, which name it."""
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if line.read_bytes().split(b"\0")[1:3] == [b"sleep", marker.encode()]:
                return True
        except OSError:
            continue
    return False


@pytest.mark.parametrize(("who", "init"), [("both", False), ("both", True), ("helper", False)])
def test_a_set_user_id_program_ends_with_its_builder(rig: Rig, who: str, init: bool) -> None:
    if init and rig.sandbox.name.startswith("oci"):
        pytest.skip("runtimes have no init")
    marker = f"7{os.getpid()}{int(init)}{len(who)}"
    root = rig.root()
    paths = map(str, (rig.base, root.upper, root.work))
    argv = [sys.executable, "-c", BUILDER, variant(rig.sandbox), *paths, "1" * init, marker]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    builder = subprocess.Popen(argv, stdin=subprocess.DEVNULL, env=environment)
    members = set()
    try:
        wait_until(lambda: runs(marker), builder)
        members = members_of(builder)
        children = Path(f"/proc/{builder.pid}/task").glob("*/children")
        helpers = [int(pid) for each in children for pid in each.read_text().split()]
        assert helpers
        for pid in (*((builder.pid,) if who == "both" else ()), *helpers):
            os.kill(pid, signal.SIGKILL)
        builder.wait(timeout=30)
        assert left_after(members) == set()
    finally:
        for pid, _ in alive(members):
            os.kill(pid, signal.SIGKILL)
        builder.kill()
        builder.wait()
