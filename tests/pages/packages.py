"""A stand-in for the index of Python packages: what the pages install, fetched once a machine.

In:  ``requirements/runtime.txt``, and what the example with Poetry pins.
Out: a server of the simple index on the loopback device.
"""

from __future__ import annotations

import fcntl
import hashlib
import http.server
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from server_rig import serving

ROOT = Path(__file__).resolve().parents[2]
PINNED = ROOT / "requirements" / "runtime.txt"
EXAMPLE = ROOT / "examples" / "python-poetry"
PYTHON = shutil.which("python3", path="/usr/bin:/usr/local/bin") or sys.executable
"""The Python that pages find as ``python3``."""


def packages() -> Path:
    """Return a directory with all that is wanted; fetch it unless this machine has it."""
    wanted = [*_pins((EXAMPLE / "Dockerfile").read_text()), *_locked()]
    version = subprocess.run([PYTHON, "-V"], capture_output=True, check=True).stdout
    facts = [PINNED.read_bytes(), version, *map(str.encode, wanted)]
    digest = hashlib.sha256(b"\0".join(facts)).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jettison-test"
    place = cache / f"packages-{digest}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "packages.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            with tempfile.TemporaryDirectory(dir=cache) as scratch:
                _fetch(Path(scratch), wanted)
                (Path(scratch) / "files").rename(place)
    return place


def _fetch(scratch: Path, wanted: Sequence[str]) -> None:
    """Have pip download for the machine's Python, and for the image's."""
    subprocess.run([PYTHON, "-m", "venv", scratch / "venv"], check=True)
    pip = [scratch / "venv/bin/pip", "download", "--quiet", "--dest", scratch / "files"]
    subprocess.run([*pip, "--require-hashes", "-r", PINNED], check=True)
    kinds = [f"--platform=manylinux{kind}_{platform.machine()}" for kind in ("2014", "_2_28")]
    image = ["--only-binary=:all:", "--python-version=3.11", *kinds]
    subprocess.run([*pip, *image, *wanted], check=True)


def _pins(text: str) -> list[str]:
    """Return the requirements of ``pip install`` in a Dockerfile."""
    return [word for line in re.findall(r"pip install (.*)", text) for word in line.split()]


def _locked() -> list[str]:
    """Return the requirements of the example's lock file."""
    text = (EXAMPLE / "poetry.lock").read_text()
    return [
        f"{a}=={b}" for a, b in re.findall(r'^name = "(.*)"\nversion = "(.*)"$', text, re.MULTILINE)
    ]


@contextmanager
def index() -> Iterator[str]:
    """Serve the packages to the end of the block; yields the address for ``PIP_INDEX_URL``."""
    place = packages()

    def respond(handler: http.server.BaseHTTPRequestHandler) -> None:
        directory, name = handler.path.rstrip("/").split("/")[-2:]
        if directory == "files":
            path = place / urllib.parse.unquote(name)
            if path.is_file() and path.parent == place:
                return _send(handler, "application/octet-stream", path.read_bytes())
        else:
            found = [each.name for each in place.iterdir() if _normal(each.name) == _normal(name)]
            links = (f'<a href="/files/{urllib.parse.quote(each)}">{each}</a>' for each in found)
            if found:
                return _send(handler, "text/html", "\n".join(links).encode())
        handler.send_error(404)
        return None

    with serving(respond) as host:
        yield f"http://{host}/simple"


def _normal(name: str) -> str:
    """Return the normal form of a project's name, or of that in the name of a file."""
    return re.sub(r"[-_.]+", "-", re.sub(r"-\d.*", "", name)).lower()


def _send(handler: http.server.BaseHTTPRequestHandler, kind: str, body: bytes) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
