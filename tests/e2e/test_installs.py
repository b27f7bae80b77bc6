"""The one-line installs of the README, each in an empty container that Jettison made.

``JETTISON_TEST_INSTALLS=all`` tries all of them; usually it is pip.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from e2e.rig import ROOT, Jettison
from host_tools import tool

pytestmark = [
    pytest.mark.needs_root,
    pytest.mark.needs_network,
    pytest.mark.slow,
    pytest.mark.xdist_group("bases"),
]

ALL = os.environ.get("JETTISON_TEST_INSTALLS") == "all"
INSTALLS = {
    "pip": "python3 -m venv /e && /e/bin/pip install -q /dist/*.whl && PATH=/e/bin:$PATH",
    "pipx": "pip install -q pipx && pipx install -q /dist/*.whl && PATH=/root/.local/bin:$PATH",
    "uv": "pip install -q uv && uv -q tool install /dist/*.whl && PATH=/root/.local/bin:$PATH",
    "uvx": 'pip install -q uv && jettison() { uvx -q --from /dist/*.whl jettison "$@"; }',
}
TRY = """
set -e
mkdir /context
printf 'FROM scratch\\nCOPY Dockerfile /\\n' > /context/Dockerfile
jettison version
jettison --root /store build -q -t app /context
jettison --root /store images
"""
SECONDS = 0.060
"""Of a processor, most that a second start of the one file takes."""


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="installs-") as name:
        place = Path(name)
        place.chmod(0o755)
        bundle = os.environ.get("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt")
        shutil.copy(bundle, place / "ca.crt")
        yield place


@pytest.fixture(scope="module")
def wheel(place: Path) -> Path:
    hatchling = Path(sysconfig.get_path("scripts")) / "hatchling"
    argv = [hatchling, "build", "-t", "wheel", "-d", place / "dist"]
    subprocess.run(argv, cwd=ROOT, check=True, capture_output=True)
    (found,) = (place / "dist").iterdir()
    return found


def in_container(jettison: Jettison, place: Path, image: str, script: str, *flags: str) -> str:
    given = [f"{name}=/ca.crt" for name in ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE")]
    given += [name for name in ("PIP_INDEX_URL", "UV_INDEX_URL") if os.environ.get(name)]
    variables = [each for pair in given for each in ("-e", pair)]
    done = jettison(
        "run", "--rm", "--network", "host", *variables, "-v", f"{place}/ca.crt:/ca.crt:ro",
        "-e", "HOME=/root", *flags, image, "sh", "-c", script,
    )  # fmt: skip
    return done.stdout


@pytest.mark.parametrize("name", INSTALLS if ALL else ["pip"])
def test_a_wheel_is_installed_in_one_line(
    name: str, jettison: Jettison, bases: Callable[..., None], place: Path, wheel: Path
) -> None:
    bases("python:3.11-slim")
    flags = ["-v", f"{wheel.parent}:/dist:ro"]
    said = in_container(jettison, place, "python:3.11-slim", INSTALLS[name] + "\n" + TRY, *flags)
    assert "Version:" in said
    assert "app" in said


@pytest.mark.skipif(not ALL, reason="JETTISON_TEST_INSTALLS=all makes the files of both machines")
@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="their bytecode is Python 3.11's")
@pytest.mark.parametrize("arch", ["amd64", "arm64"])
def test_one_file_starts_where_nothing_else_is(
    arch: str, jettison: Jettison, bases: Callable[..., None], place: Path
) -> None:
    """A container with busybox and no library, not even that of C."""
    tool("patchelf")
    bases("busybox")
    made = [place / "one", place / "two"]
    for path in made:
        argv = [
            sys.executable,
            ROOT / "contrib" / "onefile" / "make.py",
            "--arch",
            arch,
            "--out",
            path,
        ]
        subprocess.run(argv, check=True, capture_output=True)
    assert made[0].read_bytes() == made[1].read_bytes()
    if arch == "arm64":
        assert_starts_emulated(made[0], place)
        return
    flags = ["-v", f"{made[0]}:/bin/jettison:ro"]
    said = in_container(jettison, place, "busybox", "! ls /lib 2> /dev/null\n" + TRY, *flags)
    assert "Version:" in said
    assert "app" in said
    env = {"PATH": os.environ["PATH"], "HOME": str(place)}
    assert min(processor_seconds([made[0], "--version"], env) for _ in range(10)) < SECONDS


def processor_seconds(argv: list[str | Path], env: dict[str, str]) -> float:
    """Return what a program takes of a processor: on a busy machine it also waits."""
    process = subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return used.ru_utime + used.ru_stime


def assert_starts_emulated(file: Path, place: Path) -> None:
    """Start what the file unpacks by an emulator of its machine."""
    emulator = tool("qemu-aarch64-static")
    shim = place / "shim"
    shim.mkdir()
    (shim / "uname").write_text("#!/bin/sh\necho aarch64\n")
    (shim / "uname").chmod(0o755)
    env = {"PATH": f"{shim}:{os.environ['PATH']}", "JETTISON_PROGRAM": str(place / "program")}
    subprocess.run([file, "version"], env=env, check=False, capture_output=True)
    (unpacked,) = (place / "program").iterdir()
    argv = [emulator, unpacked / "bin" / "python3.11", "-IS", unpacked / "start.py", "version"]
    said = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    assert "aarch64" in said
