"""What a build costs when everything is in the cache: look-ups, and nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from scratch_rig import ROOT, Scratch

TEXT = """
FROM busybox AS made
WORKDIR /src
COPY file .
RUN --mount=type=bind,target=/in cat /in/file > /made
FROM busybox
RUN --mount=type=cache,target=/c --mount=type=bind,from=made,target=/in cat /in/made > /seen
COPY --from=made /made /src /copied/
"""
WATCHED = (
    "execve,execveat,fork,vfork,clone,clone3,unshare,setns,mount,umount2,pivot_root,fsopen,"
    "fsconfig,fsmount,open_tree,move_mount,mount_setattr,socket,connect,setuid,setgid,"
    "open,openat,openat2,creat,mkdir,mkdirat,mknod,mknodat,link,linkat,symlink,symlinkat,"
    "rename,renameat,renameat2"
)
FILES = re.compile(r"^(open|openat|openat2)\(")
MAKING = re.compile(r"^(creat|mkdir|mknod|link|symlink|rename)|O_CREAT")


def system_calls(strace: str, scratch: Scratch, *args: str | Path) -> list[str]:
    """Return what a command that must succeed asked of the kernel, of all that is watched."""
    trace = scratch.directory / "trace"
    command = [strace, "-f", "-qq", "-s", "4096", "-o", str(trace), "-e", f"trace={WATCHED}"]
    done = subprocess.run(
        [*command, *scratch.argv(*args)], env=scratch.env, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = trace.read_text().splitlines()
    return [line.partition(" ")[2].lstrip() for line in lines if " = ?" not in line]


def test_a_cached_build_mounts_runs_fetches_and_unpacks_nothing(
    scratch: Scratch, need: Callable[[str], str]
) -> None:
    strace = need("strace")
    (scratch.context / "file").write_text("one\n")
    assert scratch.build(TEXT, "-t", "app").returncode == 0
    calls = system_calls(strace, scratch, "build", "--progress=plain", "-t", "app", scratch.context)
    calls = [call for call in calls if call.partition(" = ")[2][:1] != "-"]  # those that worked
    others = [call for call in calls if not FILES.match(call) and not MAKING.search(call)]
    assert [call.partition("(")[0] for call in others] == ["execve"], others  # itself
    layers = [call for call in calls if "/snapshots/" in call]
    assert not [call for call in layers if "/fs" in call]
    assert all("/meta" in call for call in layers)
    made = [call for call in calls if MAKING.search(call) and str(scratch.store) in call]
    places = {re.findall(r'store/([^/"]+)', call)[0] for call in made}
    assert places <= {"tmp", "state.db", "state.db-wal", "state.db-shm", "index.json", "blobs"}


def test_a_cached_build_needs_no_files_of_any_layer(scratch: Scratch) -> None:
    """Where the layers are packed (or in a registry), a base is not unpacked to find that."""
    (scratch.context / "file").write_text("one\n")
    archive = f"type=oci,dest={scratch.directory}/out.tar"
    assert scratch.build(TEXT, "-t", "app", "-o", archive).returncode == 0
    for target in ("made", "busybox"):
        packed = scratch.build(TEXT, "--target", target, "-o", archive)
        assert packed.returncode == 0, packed.stderr
    for layer in (scratch.store / "snapshots").iterdir():
        layer.rename(scratch.directory / layer.name)
    again = scratch.build(TEXT, "-t", "app")
    assert "nothing to run" in again.stderr, again.stderr
    assert list((scratch.store / "snapshots").iterdir()) == []


def test_a_layer_once_packed_is_never_packed_again(scratch: Scratch) -> None:
    (scratch.context / "file").write_text("one\n")
    outputs = [scratch.directory / name for name in ("one.tar", "two.tar")]
    assert scratch.build(TEXT, "-o", f"type=oci,dest={outputs[0]}").returncode == 0
    blobs = {path: path.stat().st_ino for path in (scratch.store / "blobs/sha256").iterdir()}
    for layer in (scratch.store / "snapshots").iterdir():
        layer.rename(scratch.directory / layer.name)  # nothing is left to be packed from
    again = scratch.build(TEXT, "-o", f"type=oci,dest={outputs[1]}")
    assert again.returncode == 0, again.stderr
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    assert blobs == {
        path: path.stat().st_ino for path in (scratch.store / "blobs/sha256").iterdir()
    }


def loaded_by_build(scratch: Scratch, *flags: str) -> tuple[set[str], str]:
    """Build in an interpreter of its own; return the modules it has then, and standard error."""
    code = (
        "import sys; from jettison.cli.main import run\n"
        "assert run(sys.argv[1:]) == 0; print(*sys.modules)"
    )
    argv = ["--root", str(scratch.store), "build", "-t", "app", *flags, str(scratch.context)]
    done = subprocess.run(
        [sys.executable, "-c", code, *argv], env=scratch.env, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return set(done.stdout.split()), done.stderr


def test_a_cached_build_loads_only_what_it_uses(scratch: Scratch) -> None:
    (scratch.context / "file").write_text("one\n")
    assert scratch.build(TEXT, "-t", "app").returncode == 0
    loaded, told = loaded_by_build(scratch)
    assert "nothing to run" in told
    unused = {
        "asyncio", "dataclasses", "rich", "shutil", "ssl", "subprocess", "tempfile",
        "urllib3", "urllib.request", "jettison.copier.destination", "jettison.copier.mkdir",
        "jettison.copier.write", "jettison.image.files",
        "jettison.image.packer", "jettison.layer.pack", "jettison.layer.unpack",
        "jettison.registry.client", "jettison.sandbox.select", "jettison.solver.leaks",
        "jettison.solver.ops.execute", "jettison.solver.ops.mounts",
    }  # fmt: skip
    assert loaded & unused == set()


def test_a_build_without_copies_loads_nothing_that_copies(scratch: Scratch) -> None:
    assert scratch.build("FROM busybox\n", "-t", "box").returncode == 0
    (scratch.context / "Dockerfile").write_text("FROM box\nRUN true\n")
    loaded, told = loaded_by_build(scratch)
    assert "nothing to run" not in told
    copies = {name for name in loaded if name.startswith("jettison.copier.")}
    assert copies == {"jettison.copier.passwd"}


def test_the_version_is_told_in_less_than_twice_the_time_of_an_empty_program() -> None:
    def cpu_seconds(*args: str) -> float:
        argv = [sys.executable, *args]
        with open(os.devnull, "wb") as quiet:
            actions = [(os.POSIX_SPAWN_DUP2, quiet.fileno(), 1)]
            environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
            pid = os.posix_spawn(sys.executable, argv, environment, file_actions=actions)
        _, status, used = os.wait4(pid, 0)
        assert status == 0
        return used.ru_utime + used.ru_stime

    runs = [
        (cpu_seconds("-c", "pass"), cpu_seconds("-m", "jettison", "--version")) for _ in "x" * 15
    ]
    empty, version = (min(column) for column in zip(*runs, strict=True))
    assert version < 2 * empty
