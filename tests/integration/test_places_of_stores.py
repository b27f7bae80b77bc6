"""Stores at places that paths of mounts, runtimes and JSON are not made for."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from host_tools import tool
from jettison.errors import SandboxUnavailableError
from jettison.fs.remove import remove_tree
from jettison.sandbox.base import Verdict
from jettison.sandbox.level import keep_level
from level_rig import library_paths, subordinate_uid
from other_user import interpreter

pytestmark = [pytest.mark.needs_root, pytest.mark.slow]

DOCKERFILE = """FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
ARG LEVEL
RUN --mount=type=cache,target=/c echo $LEVEL >> /c/x && echo $(cat /c/x) > /y && ls -l /y
"""
LONG = b"/".join(b"%02d" % n + b"d" * 18 for n in range(10))
PLACES: dict[str, bytes] = {
    "plain": b"store",
    "link longer than its target": b"link" * 12 + b"/store",
    "link shorter than its target": b"l/store",
    "chain of links that climb": b"chain/store",
    "spaces": b"a b  c/s d",
    "not UTF-8": b"\xff\xfe\x80/store",
    "200 characters deep": LONG + b"/store",
    "colon, comma, backslash": b"a,b:c\\d=e/store",
    "shell and newline": b"a$b`c'd\"e\nf%g/store",
    "trailing slash and dots": b"a/./b//store/",
    "relative": b"../here/relative/store",
    "tmpfs": b"tmpfs/store",
    "nosuid, nodev": b"nodev/store",
    "bind mount": b"bind/store",
}
HARD = (
    "link longer than its target",
    "not UTF-8",
    "200 characters deep",
    "colon, comma, backslash",
)
MOUNTS = """
mount -t tmpfs none tmpfs; mount -t tmpfs -o nosuid,nodev none nodev; mount --bind bound bind
exec "$@"
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[bytes]:
    """A directory with the links and mount points, and a context beside it."""
    root = os.fsencode(Path(f"/tmp/jettison-places-{os.getpid()}"))
    here = root + b"/here"
    for name in (b"tmpfs", b"nodev", b"bind", b"bound", b"short", b"a/b", b"t" * 60):
        os.makedirs(here + b"/" + name)
    os.symlink(here + b"/short", here + b"/" + b"link" * 12)
    os.symlink(b"t" * 60, here + b"/l")
    os.symlink(b"a/../next", here + b"/chain")
    os.symlink(b"../here/a/b", here + b"/next")
    os.mkdir(root + b"/context")
    shutil.copy(b"/bin/busybox", root + b"/context/busybox")
    (Path(os.fsdecode(root)) / "context/Dockerfile").write_text(DOCKERFILE)
    yield here
    remove_tree(os.fsdecode(root))


def run(
    place: bytes, store: bytes, *args: str, uid: int = 0, words: tuple[str, ...] = ()
) -> tuple[int, str]:
    """Run a command on a store, with the mounts in a namespace of its own."""
    ids = [f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
    become = [tool("setpriv"), *ids, tool("env")] if uid else []
    command: list[str | bytes] = [tool("unshare"), "--mount", "sh", "-euc", MOUNTS, "sh"]
    command += [*words, *become, interpreter(become), "-m", "jettison", "--root", store, *args]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": os.fsdecode(place),
        "PYTHONPATH": os.pathsep.join(library_paths()),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        command, env=environment, cwd=place, capture_output=True, timeout=120, check=False
    )
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


def build(place: bytes, store: bytes, level: str, **options: object) -> tuple[int, str]:
    args = ["build", "--progress=plain", "--build-arg", f"LEVEL={level}"]
    args += ["--isolation", level] if level else []
    context = os.fsdecode(os.path.dirname(place)) + "/context"
    return run(place, store, *args, context, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", PLACES)
def test_a_store_may_be_anywhere_and_steps_are_isolated_there(
    place: bytes, need: Callable[[str], str], name: str
) -> None:
    levels = ["", "crun", "runc", "in-container"] if name in HARD else [""]
    for level in levels:
        status, said = build(place, PLACES[name], level)
        if name == "not UTF-8" and level in {"crun", "runc"}:
            assert status == 5, said
            assert "takes no path and no variable that is not UTF-8" in said
            continue
        assert status == 0, f"{level}: {said}"
        assert level == "in-container" or "without isolation" not in said
        assert "each RUN copies" not in said


@pytest.mark.parametrize("name", ["link longer than its target", "not UTF-8"])
def test_a_user_s_store_may_be_behind_links_and_odd_names(place: bytes, name: str) -> None:
    uid = subordinate_uid()
    home = place + b"/home"
    if not os.path.exists(home):
        os.mkdir(home)
        os.chown(home, uid, uid)
        for each in (place, os.path.dirname(place)):
            os.chmod(each, 0o755)
    odd = home + b"/" + PLACES[name].partition(b"/")[0]
    if name == "not UTF-8":
        os.mkdir(odd)
    else:
        os.mkdir(home + b"/short")
        os.chown(home + b"/short", uid, uid)
        os.symlink(home + b"/short", odd)
    os.chown(odd, uid, uid, follow_symlinks=False)
    for level in ("", "single-id"):
        words = ("env", f"JETTISON_ISOLATION={level}") if level else ()
        status, said = build(place, odd + b"/store" + level.encode(), "", uid=uid, words=words)
        assert status == 0, f"{level}: {said}"
        assert "without isolation" not in said


def test_another_user_s_sticky_directory_is_no_place(place: bytes) -> None:
    sticky = place + b"/sticky"
    os.mkdir(sticky)
    os.chmod(sticky, 0o1777)
    os.chown(sticky, 54321, 54321)
    status, said = build(place, sticky + b"/store", "")
    assert status == 5
    assert "belongs to another user" in said


def test_steps_never_run_at_a_weaker_level_than_the_last_unless_that_is_allowed(
    place: bytes,
) -> None:
    weak = ("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin")
    store = b"weaker/store"
    status, said = build(place, store, "")
    assert status == 0, said
    args = ("build", "--progress=plain", "--build-arg", "LEVEL=weak")
    context = os.fsdecode(os.path.dirname(place)) + "/context"
    status, said = run(place, store, *args, context, words=weak)
    assert status == 5, said
    assert "weaker than `embedded`" in said
    assert "--isolation auto" in said
    status, said = run(place, store, *args, "--isolation=auto", context, words=weak)
    assert status == 0, said
    assert "without isolation" in said
    # That was the last level then.
    status, said = run(place, store, *args, "--no-cache", context, words=weak)
    assert status == 0, said


def test_the_last_level_is_kept_for_each_host(tmp_path: Path) -> None:
    failed = [Verdict("embedded", works=False, reason="no mounts")]
    keep_level(tmp_path, "oci:crun", [], may_weaken=False)
    keep_level(tmp_path, "embedded", [], may_weaken=False)
    for weaker in ("single-id", "in-container"):
        with pytest.raises(SandboxUnavailableError, match=r"no mounts") as caught:
            keep_level(tmp_path, weaker, failed, may_weaken=False)
        assert "--isolation auto" in (caught.value.hint or "")
    keep_level(tmp_path, "in-container", failed, may_weaken=True)
    keep_level(tmp_path, "in-container", failed, may_weaken=False)
    path = tmp_path / "levels.json"
    path.write_bytes(msgspec.json.encode({"elsewhere": "embedded"}))
    keep_level(tmp_path, "in-container", failed, may_weaken=False)
    path.write_bytes(b"{")
    keep_level(tmp_path, "single-id", failed, may_weaken=False)
