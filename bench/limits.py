"""What the machine can do at best, measured in the same run: nobody builds faster than that.

In:  the context of W4.
Out: seconds or rates by name.
"""

from __future__ import annotations

import gzip
import hashlib
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path


def limits(work: Path) -> dict[str, float]:
    """Return the limits; those whose tool is not installed are left out."""
    tree, copy = work / "workloads/w4", work / "out/copy"
    blob = (tree / "blob.bin").read_bytes()
    found: dict[str, float] = {}
    if shutil.which("cp"):
        shutil.rmtree(copy, ignore_errors=True)
        found["cp -a of W4's context (s)"] = _seconds(
            lambda: _run("cp", "-a", str(tree), str(copy))
        )
        found["hard links of it (s)"] = _seconds(
            lambda: _run("cp", "-al", str(copy), str(copy) + "-links")
        )
        shutil.rmtree(copy, ignore_errors=True)
        shutil.rmtree(str(copy) + "-links", ignore_errors=True)
    mib = len(blob) / (1 << 20)
    found["sha256 (MiB/s)"] = mib / _seconds(lambda: hashlib.sha256(blob))
    sample = blob[: 32 << 20]
    found["zlib level 6 of random bytes (MiB/s)"] = (len(sample) / (1 << 20)) / _seconds(
        lambda: gzip.compress(sample, 6)
    )
    found["python -c pass (s)"] = min(
        _seconds(lambda: _run("python3", "-c", "pass")) for _ in "12345"
    )
    busybox = shutil.which("busybox")
    if shutil.which("crun") and busybox:
        found["crun run true (s)"] = _crun(work / "out/bundle", busybox)
    return {name: value for name, value in found.items() if value > 0}


def _crun(bundle: Path, busybox: str) -> float:
    """Return the seconds of the smallest container, 0 when it does not start here."""
    shutil.rmtree(bundle, ignore_errors=True)
    (bundle / "rootfs/bin").mkdir(parents=True)
    shutil.copy2(busybox, bundle / "rootfs/bin/true")
    _run("crun", "spec", f"--bundle={bundle}")
    text = (bundle / "config.json").read_text()
    text = text.replace('"terminal": true', '"terminal": false').replace('"sh"', '"/bin/true"')
    (bundle / "config.json").write_text(text)
    try:
        return min(
            _seconds(lambda n=n: _run("crun", "run", f"--bundle={bundle}", f"bench-{n}"))  # type: ignore[misc]
            for n in range(5)
        )
    except subprocess.CalledProcessError:
        return 0.0


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
