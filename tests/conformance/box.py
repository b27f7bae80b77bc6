"""The base image of the own corpus: a static busybox, as an OCI layout, without a registry.

In:  a busybox of the host (Debian: ``busybox-static``).
Out: a layout whose config, files and times are always the same, but for the program itself.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

NAME = "box"
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CONFIG: dict[str, Any] = {"Env": [PATH], "Cmd": ["sh"]}
_TIME = 1_400_000_000
_CREATED = "2014-05-13T16:53:20Z"
_DIRECTORIES = {
    "etc": 0o755,
    "bin": 0o755,
    "root": 0o700,
    "tmp": 0o1777,
    "run": 0o755,
    "home": 0o755,
}
_DIRECTORIES |= {"var": 0o755, "var/spool": 0o755, "dev": 0o755, "proc": 0o755, "sys": 0o755}
_USERS = "root:x:0:0:root:/root:/bin/sh\nmail:x:8:12:mail:/var/spool:/bin/sh\nann:x:1000:1001::/home:/bin/sh\n"
_GROUPS = "root:x:0:\nmail:x:12:ann\nstaff:x:50:ann\nann:x:1001:\n"


def is_static(program: Path) -> bool:
    """Tell whether a program needs no loader: its path would be in the first page of the file."""
    with program.open("rb") as file:
        start = file.read(4096)
    return start[:4] == b"\x7fELF" and b"/ld-" not in start


def make(busybox: str, layout: Path) -> Path:
    """Write the layout, and return it.

    Raises:
        subprocess.CalledProcessError: The program does not run.
    """
    said = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True)
    applets = sorted(set(said.stdout.split()) - {"busybox"})
    layer = _layer(Path(busybox).read_bytes(), applets)
    (layout / "blobs/sha256").mkdir(parents=True)
    config = {
        "architecture": "amd64",
        "os": "linux",
        "created": _CREATED,
        "config": CONFIG,
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        "history": [{"created": _CREATED, "created_by": "busybox"}],
    }
    kind = "application/vnd.oci.image"
    packed = gzip.compress(layer, 1, mtime=0)
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{kind}.manifest.v1+json",
        "config": _blob(layout, _json(config), f"{kind}.config.v1+json"),
        "layers": [_blob(layout, packed, f"{kind}.layer.v1.tar+gzip")],
    }
    entry = _blob(layout, _json(manifest), manifest["mediaType"])
    # Clients of BuildKit look for `latest`.
    entry["annotations"] = {"org.opencontainers.image.ref.name": "latest"}
    (layout / "oci-layout").write_bytes(_json({"imageLayoutVersion": "1.0.0"}))
    (layout / "index.json").write_bytes(_json({"schemaVersion": 2, "manifests": [entry]}))
    return layout


def _layer(busybox: bytes, applets: list[str]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, mode in _DIRECTORIES.items():
            _add(tar, name, tarfile.DIRTYPE, mode)
        _add(tar, "bin/busybox", tarfile.REGTYPE, 0o755, data=busybox)
        for name in applets:
            _add(tar, f"bin/{name}", tarfile.SYMTYPE, 0o777, target="busybox")
        _add(tar, "etc/passwd", tarfile.REGTYPE, 0o644, data=_USERS.encode())
        _add(tar, "etc/group", tarfile.REGTYPE, 0o644, data=_GROUPS.encode())
    return out.getvalue()


def _add(
    tar: tarfile.TarFile, name: str, kind: bytes, mode: int, *, data: bytes = b"", target: str = ""
) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.mode, member.mtime = kind, mode, _TIME
    member.linkname, member.size = target, len(data)
    tar.addfile(member, io.BytesIO(data))


def _json(document: object) -> bytes:
    return json.dumps(document).encode()


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _blob(layout: Path, data: bytes, media_type: str) -> dict[str, Any]:
    digest = _digest(data)
    (layout / "blobs/sha256" / digest[7:]).write_bytes(data)
    return {"mediaType": media_type, "digest": digest, "size": len(data)}
