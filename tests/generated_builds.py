"""Random Dockerfiles of stages that copy from each other in every form, without RUN.

Each line that copies from the context has files of its own, so that no two lines give equal ones.
"""

from __future__ import annotations

import os
import tarfile
from io import BytesIO
from pathlib import Path
from random import Random

STAGES = 3
LINES = 4


def generate(random: Random, context: Path) -> str:
    """Fill a context and return the text of its Dockerfile."""
    lines: list[str] = []
    names: list[str] = []
    for number in range(random.randint(1, STAGES) + 1):
        base = random.choice([*names, "scratch", "scratch"])
        lines.append(f"FROM {base} AS s{number}")
        _give(random, context, lines, f"COPY c{len(lines)} /first/")
        for _ in range(random.randint(1, LINES)):
            _line(random, context, lines, names)
        names.append(f"s{number}")
    return "\n".join(lines) + "\n"


def _line(random: Random, context: Path, lines: list[str], names: list[str]) -> None:
    here = f"c{len(lines)}"
    flags = random.choice(["", "", "--link ", "--chown=7:8 ", "--chmod=750 ", "--exclude=**/y "])
    dest = random.choice(
        ["/first/", "/first/d/", f"/l{len(lines)}/", f"/l{len(lines)}/deep/er/", "/"]
    )
    forms = [
        f"COPY {flags}{here} {dest}",
        f"COPY {flags}{here}/f {dest}",
        f"COPY {flags}{here}/f {dest}renamed",
        f"COPY {flags}{here}/* {dest}",
        f"COPY {flags}{here}/d {here}/e {dest}",
        f"COPY {flags}{here}/link/x {dest}",
        f"COPY --parents {here}/*/x {dest}",
        f"COPY --parents {here}/./d/y {dest}",
        f"ADD {here}/a.tar {dest}",
        f"ADD {flags}{here}/f {here}/d {dest}",
        f"COPY <<one <<two {dest}\nfirst {here}\none\nsecond {here}\ntwo",
        f"WORKDIR /w{len(lines)}/x/y",
    ]
    if names and random.random() < 0.6:
        source, dest = random.choice(names), f"/l{len(lines)}/"
        forms = [
            f"COPY {flags}--from={source} / {dest}",
            f"COPY {flags}--from={source} /first {dest}",
            f"COPY {flags}--from={source} /first/f {dest}renamed",
            f"COPY {flags}--from={source} /first/f* /first/h* {dest}",
            f"COPY --parents --from={source} /first/**/x {dest}",
            f"COPY --from={source} /first/to-f {dest}followed",
        ]
    _give(random, context, lines, random.choice(forms))


def _give(random: Random, context: Path, lines: list[str], line: str) -> None:
    """Add a line, and the files that it may copy."""
    place = context / f"c{len(lines)}"
    for name in ("f", "d/x", "d/y", "e/x", "e/z"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(f"{place.name} {name} " + "." * random.randint(0, 2000))
    os.link(place / "f", place / "hard")
    own = "./" * len(lines)  # no link equals one of another line
    (place / "link").symlink_to(f"{own}e")
    (place / "to-f").symlink_to(f"{own}f")
    with tarfile.open(place / "a.tar", "w") as archive:
        for name in ("m/n/o", "top", "f"):
            data = f"{place.name} in archive {name}".encode()
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, BytesIO(data))
        linked = tarfile.TarInfo("m/again")
        linked.type, linked.linkname = tarfile.LNKTYPE, "top"
        archive.addfile(linked)
    lines += line.split("\n")
