"""What the machine can do at best, measured in the same run: nobody builds faster than that.

In:  the contexts of W2 and W4, and Jettison, which makes the tree for W2's step.
Out: ``Limit`` records; one that cannot be measured here says why.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import http.client
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.peers import Peer
from bench.process import CommandError
from bench.results import Limit

_MIB = 1 << 20
_REPEATS = 5


class _MissingError(Exception):
    """Why a limit cannot be measured here."""


def limits(ours: Peer, root: Path) -> Iterator[Limit]:
    """Yield the limits.

    Args:
        ours: Jettison.
        root: Directory of the workloads.
    """
    work = ours.work / "limits"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    context = root / "w4"
    sample = b"".join(path.read_bytes() for path in sorted(context.glob("pkg00*/*/*.txt")))
    measured: list[tuple[str, str, Callable[[], float]]] = [
        ("python -c pass", "s", lambda: _fastest(sys.executable, "-c", "pass")),
        ("crun run true", "s", lambda: _runtime("crun", work)),
        ("runc run true", "s", lambda: _runtime("runc", work)),
        ("cp -a of W4's context", "s", lambda: _copied(context, work)),
        ("hard links of W4's context", "s", lambda: _linked(context, work)),
        ("W2's changed step in a bare chroot", "s", lambda: _step(ours, root, work)),
        ("sha256", "MiB/s", lambda: _rate(hashlib.sha256, (context / "blob.bin").read_bytes())),
        ("gzip -1 by igzip, source code", "MiB/s", lambda: _rate(_igzip(), sample)),
        ("gzip -6 by zlib, source code", "MiB/s",
         lambda: _rate(lambda data: gzip.compress(data, 6), sample)),
        ("upload to the registry", "MiB/s", lambda: _upload(ours.registry, context / "blob.bin")),
    ]  # fmt: skip
    for name, unit, measure in measured:
        try:
            yield Limit(name, measure(), unit)
        except (_MissingError, CommandError, OSError, subprocess.CalledProcessError) as error:
            yield Limit(name, unit=unit, missing=" ".join(str(error).split())[:200])
    shutil.rmtree(work, ignore_errors=True)


def _igzip() -> Callable[[bytes], object]:
    from isal import igzip  # noqa: PLC0415 - only where it is measured

    return lambda data: igzip.compress(data, 1)


def _rate(work: Callable[[bytes], object], data: bytes) -> float:
    return len(data) / _MIB / min(_seconds(lambda: work(data)) for _ in range(3))


def _copied(tree: Path, work: Path) -> float:
    def copy() -> float:
        shutil.rmtree(work / "copy", ignore_errors=True)
        os.sync()
        return _seconds(lambda: _run("cp", "-a", str(tree), str(work / "copy")))

    return min(copy() for _ in range(3))


def _linked(tree: Path, work: Path) -> float:
    if not (work / "copy").exists():
        _run("cp", "-a", str(tree), str(work / "copy"))
    return _seconds(lambda: _run("cp", "-al", str(work / "copy"), str(work / "links")))


def _step(ours: Peer, root: Path, work: Path) -> float:
    """Return the seconds of ``npm run build`` in the files of its stage, without a builder."""
    if os.geteuid() != 0:
        raise _MissingError("chroot needs root")
    tree = work / "w2"
    options = ("--target=build", "-o", f"type=local,dest={tree}")
    for argv in ours.build(root / "w2", "bench-w2-tree", *options):
        ours.runner.run(argv, env=ours.env)
    (tree / "dev").mkdir(exist_ok=True)
    (tree / "dev/null").unlink(missing_ok=True)
    os.mknod(tree / "dev/null", 0o20666, os.makedev(1, 3))
    script = "cd /app && rm -rf dist && exec npm run build"
    return _fastest("chroot", str(tree), "/bin/sh", "-c", script)


def _runtime(program: str, work: Path) -> float:
    """Return the seconds of the smallest container; cgroups are left out of it.

    crun refuses hosts with both versions of cgroups: it gets a mount namespace with the second
    only.
    """
    busybox = shutil.which("busybox")
    for name in (program, "busybox", "unshare"):
        if shutil.which(name) is None:
            raise _MissingError(f"`{name}` is not installed")
    bundle = work / program
    (bundle / "rootfs/bin").mkdir(parents=True)
    shutil.copy2(str(busybox), bundle / "rootfs/bin/true")
    _run(program, "spec", f"--bundle={bundle}")
    config = json.loads((bundle / "config.json").read_text())
    config["process"].update(terminal=False, args=["/bin/true"])
    config["mounts"] = [mount for mount in config["mounts"] if mount["type"] != "cgroup"]
    linux = config["linux"]
    linux["namespaces"] = [each for each in linux["namespaces"] if each["type"] != "cgroup"]
    linux.pop("resources", None)
    (bundle / "config.json").write_text(json.dumps(config))
    more = "--cgroup-manager=disabled" if program == "crun" else ""
    private = "mount -t cgroup2 none /sys/fs/cgroup || exit 1;" if program == "crun" else ""
    script = f"""{private} for number in $(seq {_REPEATS}); do
        start=$(date +%s%N)
        {program} {more} run --bundle "$0" bench-$$-$number || exit 1
        echo $(($(date +%s%N) - start))
    done"""
    command = ["unshare", "--mount", "sh", "-c", script, str(bundle)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise _MissingError(done.stderr.strip() or f"`{program}` ended with {done.returncode}")
    return min(map(int, done.stdout.split())) / 1e9


def _upload(registry: str, path: Path) -> float:
    """Return how fast a blob goes up in one request; MiB/s. The registry forgets it again."""
    if not registry:
        raise _MissingError("no registry is given")
    name = "bench/upload"
    with contextlib.closing(http.client.HTTPConnection(registry, timeout=120)) as connection:

        def upload() -> float:
            data = random.randbytes(4096) + path.read_bytes()  # noqa: S311 - new each time
            digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
            start = time.perf_counter()
            connection.request("POST", f"/v2/{name}/blobs/uploads/")
            answer = connection.getresponse()
            answer.read()
            place = answer.headers.get("Location", "")
            place = place.partition(registry)[2] or place
            sign = "&" if "?" in place else "?"
            head = {"Content-Type": "application/octet-stream"}
            connection.request("PUT", f"{place}{sign}digest={digest}", body=data, headers=head)
            answer = connection.getresponse()
            answer.read()
            seconds = time.perf_counter() - start
            if answer.status != http.client.CREATED:
                raise _MissingError(f"the registry answered with {answer.status}")
            connection.request("DELETE", f"/v2/{name}/blobs/{digest}")
            connection.getresponse().read()
            return len(data) / _MIB / seconds

        return max(upload() for _ in range(3))


def _fastest(*argv: str) -> float:
    return min(_seconds(lambda: _run(*argv)) for _ in range(_REPEATS))


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
