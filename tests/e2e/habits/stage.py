"""Where the lines of the table of habits run, and how what they print is compared.

In:  the file of lines.
Out: a directory with contexts and an archive that are the same on every machine; texts without
     what differs from call to call.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import tarfile
from pathlib import Path
from typing import Any

PLACE = Path(__file__).parent
DATA = PLACE / "habits.json"
OUTCOMES = ("equal", "noted", "refused")
MTIME = 1_700_000_000
CREATED = "2025-06-01T00:00:00Z"

FILES = {
    "app/hello.txt": "hello\n",
    "app/Dockerfile": """FROM scratch AS build
COPY hello.txt /
FROM scratch
ARG MODE=dev
LABEL stage=test title=app
ENV GREETING=hello MODE=$MODE
COPY --from=build /hello.txt /srv/
WORKDIR /srv
EXPOSE 8080/tcp
USER 1000
ENTRYPOINT ["/bin/hello"]
CMD ["--world"]
""",
    "app/Dockerfile.prod": "FROM scratch\nCOPY hello.txt /prod.txt\nLABEL stage=prod\n",
    "app/Dockerfile.min": "FROM scratch\nLABEL from=stdin\n",
    "warn/Dockerfile": "from scratch AS Build\nCOPY hello.txt /\n",
    "warn/hello.txt": "hello\n",
    "broken/Dockerfile": "FROM scratch\nCOPPY hello.txt /\n",
}
_AGO = re.compile(r"(?:About an? \w+|Less than a second|\d+ \w+) ago")
_ID = re.compile(r"(?:sha256:)?\b(?:[0-9a-f]{64}|[0-9a-z]{25}|[0-9a-f]{12})\b")
_SIZE = re.compile(r"\b\d+(?:\.\d+)?[kMG]?B\b")
_NUMBER = re.compile(r"(?<![\w.:-])\d+(?![\w.:-])")
LOOSE = {
    "ids": (_ID, "ID"),
    "times": (_AGO, "AGO"),
    "sizes": (_SIZE, "SIZE"),
    "numbers": (_NUMBER, "NUMBER"),
}
"""What a line may leave out of the comparison."""


def habits() -> list[dict[str, Any]]:
    """Return the lines with what docker printed."""
    return list(json.loads(DATA.read_text()))


def make(work: Path) -> None:
    """Fill a directory."""
    for name, text in FILES.items():
        path = work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for path in sorted(work.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (MTIME, MTIME))
    (work / "demo.tar").write_bytes(archive())


def archive() -> bytes:
    """Return a docker archive of an image with two layers, the same bytes each time."""
    layers = [_tar({"etc/motd": b"hello\n"}), _tar({"srv/data": b"x" * 2000})]
    history = [
        {"created": CREATED, "created_by": "ADD rootfs.tar / # buildkit"},
        {"created": CREATED, "created_by": "ENV GREETING=hello", "empty_layer": True},
        {"created": CREATED, "created_by": "COPY data /srv/ # buildkit", "comment": "a comment"},
    ]
    config = {
        "architecture": "amd64",
        "os": "linux",
        "created": CREATED,
        "config": {
            "User": "1000:1000",
            "ExposedPorts": {"8080/tcp": {}},
            "Env": ["PATH=/usr/bin:/bin", "GREETING=hello <world>"],
            "Entrypoint": ["/bin/hello"],
            "Cmd": ["--world", "two words"],
            "WorkingDir": "/srv",
            "Labels": {"stage": "test", "title": "demo"},
        },
        "rootfs": {
            "type": "layers",
            "diff_ids": [f"sha256:{hashlib.sha256(each).hexdigest()}" for each in layers],
        },
        "history": history,
    }
    data = json.dumps(config, separators=(",", ":")).encode()
    name = f"{hashlib.sha256(data).hexdigest()}.json"
    names = [f"{number}/layer.tar" for number in range(len(layers))]
    manifest = [{"Config": name, "RepoTags": ["demo:1"], "Layers": names}]
    files = {name: data, **dict(zip(names, layers, strict=True))}
    return _tar({**files, "manifest.json": json.dumps(manifest).encode()})


def _tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode = len(data), MTIME, 0o644
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


REPEATS = "repeats"
"""Lines that are equal count once: steps that did the same in one second have one layer."""

_REPEATED = re.compile(r"^(.*\n)\1+", re.MULTILINE)


def plain(text: str, registry: str, loose: list[str]) -> str:
    """Return a text without what differs between machines and calls."""
    text = text.replace(registry, "REGISTRY")
    for name in loose:
        if name != REPEATS:
            pattern, word = LOOSE[name]
            text = pattern.sub(word, text)
    if loose:
        text = re.sub(r" {2,}", "  ", text)  # columns are as wide as what is in them
    return _REPEATED.sub(r"\1", text) if REPEATS in loose else text
