"""The sums of reports: each stage's, the image's and its layers', counted again by GNU tar.

Generated Dockerfiles copy and add from contexts, stages and images, and their RUNs copy, link, move
and remove; ``tests/property/test_provenance.py`` has more forms of COPY, without RUN.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from archive_rig import unpack
from jettison.api.build import build
from jettison.api.request import ALL, KNOWN, BuildRequest
from jettison.api.session import Session
from jettison.cli.outputs import parse_output
from jettison.events import discard
from jettison.report.model import Report
from jettison.settings import Settings

DOCKERFILES = 8
BASE = """FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
"""
_COPIES = (
    "COPY a.txt /c/{n}",
    "COPY dir /c/{n}/",
    "COPY dir/*.txt /c/{n}/",
    "COPY --parents dir/sub/deep.txt a.txt /c/{n}/",
    "COPY --parents dir/./sub /c/{n}/",
    "COPY --chmod=700 a.txt dir/b.txt /c/{n}/",
    "COPY --chown=5:6 dir /c/{n}",
    "COPY --exclude=*.txt dir /c/{n}/",
    "COPY --link dir /l/{n}/",
    "COPY <<EOF /c/{n}\nheredoc {n}\nEOF",
    "COPY dir /",
    "COPY . /all/{n}/",
    "ADD archive.tar /c/{n}/",
    "ADD a.txt /c/{n}/renamed",
    "WORKDIR /w/{n}/deep",
    "COPY --from=base /bin/busybox /c/{n}",
)
_FROM_STAGES = (
    "COPY --from={s} / /s/{n}/",
    "COPY --from={s} /c /c",
    "COPY --from={s} /c* /s/{n}/",
    "COPY --from={s} --parents /c /s/{n}/",
    "COPY --from={s} --chown=1:2 /c /s/{n}",
    "COPY --from={s} --link /c /s/{n}",
)
_RUNS = (
    "RUN --mount=from={s},target=/m mkdir -p /r/{n} && cp -r /m/c /r/{n}/",
    "RUN find /c -name '*.txt' | head -n 1 | while read -r f; do rm \"$f\"; done",
    'RUN find /c -type f | head -n 1 | while read -r f; do chmod 750 "$f"; done',
    "RUN mkdir -p /k && head -c 3000 /dev/zero > /k/{n} && ln /k/{n} /k/{n}-hard && ln -s {n} /k/{n}-soft",
    "RUN if [ -d /c ]; then mkdir -p /v && mv /c /v/{n} && mkdir /c && echo {n} > /c/new; fi",
    "RUN rm -rf /c/* && echo {n} > /c{n}",
)


class Rig:
    """Builds in this process."""

    def __init__(self, session: Session, context: Path) -> None:
        self.session = session
        self.context = context

    def build(self, text: str, request: BuildRequest) -> Report | None:
        (self.context / "Dockerfile").write_text(text)
        found: list[Report] = []
        build(self.session, request, discard, found.append)
        return found[0] if found else None


def dockerfile(chance: random.Random) -> str:
    """Return a Dockerfile of some stages, each of which some others use."""
    stages: list[str] = []
    lines: list[str] = []
    for index in range(chance.randint(2, 4)):
        base = chance.choice(["base", "base", "scratch", *stages[-1:]])
        name = f"stage{index}"
        lines.append(f"FROM {base} AS {name}")
        lines.append(f"COPY dir /c/first{index}")
        runs = base != "scratch" and "scratch" not in _root(lines, base)
        for _ in range(chance.randint(1, 4)):
            choices = list(chance.choices(_COPIES, k=3))
            if stages:
                choices += chance.choices(_FROM_STAGES, k=4)
                if runs:
                    choices += chance.choices(_RUNS, k=7)
            number = f"n{len(lines)}"
            source = chance.choice(stages) if stages else ""
            lines.append(chance.choice(choices).format(n=number, s=source))
        stages.append(name)
    lines.append(f"COPY --from={stages[0]} /c/first0 /end")
    return "\n".join(lines) + "\n"


def _root(lines: list[str], base: str) -> str:
    """Return what a stage is FROM at the end of its chain."""
    known = {line.split()[3]: line.split()[1] for line in lines if line.startswith("FROM ")}
    while base in known:
        base = known[base]
    return base


def fill(context: Path) -> None:
    for name, text in {
        "a.txt": "a" * 101,
        "dir/b.txt": "b" * 202,
        "dir/c.bin": "c" * 303,
        "dir/sub/deep.txt": "d" * 404,
        "dir/sub/other": "e" * 505,
    }.items():
        path = context / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (context / "dir/link").symlink_to("b.txt")
    with tarfile.open(context / "archive.tar", "w") as archive:
        archive.add(context / "dir", "packed")


def counted(archive: Path) -> int:
    """Return the bytes of regular files as GNU tar lists them; further names of a file are none."""
    listed = subprocess.run(
        ["tar", "--list", "--verbose", "--numeric-owner", "--file", archive],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return sum(int(line.split()[2]) for line in listed.stdout.splitlines() if line[0] == "-")


def layers_counted(archive: Path, directory: Path) -> list[int]:
    """Return the bytes of each layer of an archive of docker's form."""
    with tarfile.open(archive) as opened:
        unpack(opened, directory)
    (manifest,) = json.loads((directory / "manifest.json").read_bytes())
    return [counted(directory / name) for name in manifest["Layers"]]


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory, need: Callable[[str], str]) -> Iterator[Rig]:
    need("tar")
    if os.geteuid() != 0:
        pytest.skip("root is needed to run steps in this process")
    place = tmp_path_factory.mktemp("sums")
    context = place / "context"
    context.mkdir()
    (context / "busybox").write_bytes(Path(need("busybox")).read_bytes())
    (context / "busybox").chmod(0o755)
    with Session.open(Settings(root=str(place / "store")), os.environ) as session:
        made = Rig(session, context)
        made.build(BASE, BuildRequest(context=str(context), tags=("base",)))
        (context / "busybox").unlink()
        fill(context)
        yield made


@pytest.mark.parametrize("seed", range(DOCKERFILES))
def test_the_sums_of_a_report_are_those_of_gnu_tar(rig: Rig, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    text = dockerfile(chance)
    image, root = tmp_path / "image.tar", tmp_path / "root.tar"
    request = BuildRequest(
        context=str(rig.context), outputs=(parse_output(f"type=docker,dest={image}"),), report=ALL
    )
    report = rig.build(text, request)
    assert report is not None
    check_sums(report)
    layers = layers_counted(image, tmp_path / "unpacked")
    assert [each.bytes for each in report.image.layers] == layers, text
    assert report.image.shipped == sum(layers)
    stage = chance.choice([each for each in report.stages if each.used])
    outputs = (parse_output(f"type=tar,dest={root}"),)
    rig.build(text, BuildRequest(context=str(rig.context), target=stage.name, outputs=outputs))
    assert stage.bytes == counted(root), text


def check_sums(report: Report) -> None:
    """See that the sums of a report agree with each other."""
    image = report.image
    for stage in report.stages:
        assert stage.reached + stage.left == stage.added
        assert min(stage.reached, stage.left) >= 0
    assert image.shipped - image.visible == image.wasted
    assert sum(each.visible for each in image.layers) == image.visible
    assert sum(each.bytes for each in report.origins) == image.visible
    made = sum(each.produced for each in report.stages)
    given = sum(each.bytes for each in report.origins if each.base)
    final = next(each for each in report.stages if each.final)
    assert report.tree is not None
    assert made + given == final.bytes == image.visible == report.tree.bytes


def test_a_report_that_nobody_asked_for_lacks_no_layers(rig: Rig) -> None:
    text = "FROM base\nCOPY a.txt /only-known\n"
    known = BuildRequest(context=str(rig.context), report=KNOWN)
    shown = rig.build(text, known)
    assert shown is not None
    store = rig.session.layer_store
    for listing in store.root.glob("*/listing"):
        listing.unlink()  # as after unpacking an image: files are here, nobody has listed them
    rig.session.store.database.execute("DELETE FROM answer")
    again = rig.build(text + "COPY dir/b.txt /more\n", known)
    assert again is not None
    assert again.image.shipped == shown.image.shipped + 202


def test_a_report_on_an_image_from_elsewhere_is_whole_whoever_asked(
    rig: Rig, tmp_path: Path
) -> None:
    layout = tmp_path / "layout.tar"
    rig.build("FROM base\n", BuildRequest(
        context=str(rig.context), outputs=(parse_output(f"type=oci,dest={layout}"),)
    ))  # fmt: skip
    with tarfile.open(layout) as opened:
        unpack(opened, tmp_path / "layout")
    place = tmp_path / "store"
    with Session.open(Settings(root=str(place)), os.environ) as session:
        other = Rig(session, rig.context)
        contexts = {"far": f"oci-layout://{tmp_path / 'layout'}"}
        known = BuildRequest(context=str(rig.context), contexts=contexts, report=KNOWN)
        text = "FROM far\nCOPY --link a.txt /x\n"
        limited = msgspec.structs.replace(known, gates={"max-size": "1GB"})
        early = "FROM far\nCOPY --link a.txt /y\n"
        assert other.build(early, known) is None  # nobody has fetched its base
        assert other.build(early, limited) is not None
        shown = other.build(text, known)
        gated = other.build(text, limited)
        assert shown is not None
        assert gated is not None
        assert shown.image.shipped == gated.image.shipped > 100_000
