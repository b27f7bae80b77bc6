"""Builds of two stages that never ran: what rules are asked about, made of files by path."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jettison.analysis.rootfs import Rootfs
from jettison.check.layer_facts import NO_LAYER_FACTS, LayerFacts
from jettison.check.subject import Subject
from jettison.fs.listing import Listing
from jettison.oci.config import ContainerConfig
from jettison.oci.platform import parse_platform
from jettison.provenance.chain import Provenance
from jettison.provenance.origin import CopiedSource, CopyOrigins, SourceKind
from jettison.provenance.record import BuildRecord, StageRecord, StageStep, StepKind, StepRecord
from jettison.store.layer import LayerId
from unit.analysis.python.python_rig import tree_of

Contents = Mapping[str, bytes | str]


def two_stages(
    root: Path,
    *,
    builder: Contents,
    base: Contents,
    copies: tuple[tuple[str, str], ...],
    config: ContainerConfig,
    froms: tuple[str, str] = ("python:3.12-slim", "debian:bookworm-slim"),
    layer_facts: LayerFacts = NO_LAYER_FACTS,
) -> Subject:
    """Return an image: what a base has, and what was copied from a stage named ``builder``.

    Line 3 is the FROM of the last stage, and line 4 the first COPY.

    Args:
        root: A new directory.
        builder: Files of the stage.
        base: Files of the base image of the last stage.
        copies: (source, target) pairs: files or directories.
        config: Of the image.
        froms: The two base images.
        layer_facts: Keeps what is found out about layers.
    """
    image = dict(base)
    layers = [dict(base)]
    for source, target in copies:
        layer = {
            target + path.removeprefix(source): content
            for path, content in builder.items()
            if path == source or path.startswith(source + "/")
        }
        image |= layer
        layers.append(layer)
    ids = [LayerId(f"content:sha256:{number:064}") for number in range(len(layers) + 1)]
    steps = [
        StepRecord("sha256:b", StepKind.RUN, "[builder 1/1] RUN make", layers=(ids[0],)),
        StepRecord("sha256:i", StepKind.IMAGE, "FROM", layers=(ids[1],), detail=froms[1]),
    ]
    own = [StageStep(1, 3, 3, f"FROM {froms[1]}")]
    origins = {}
    lines = [f"FROM {froms[0]} AS builder", "RUN make", f"FROM {froms[1]}"]
    for number, (source, target) in enumerate(copies):
        text = f"COPY --from=builder {source} {target}"
        is_file = source in builder
        kind = SourceKind.FILE if is_file else SourceKind.DIRECTORY
        copied = CopiedSource(kind, 0, source, target)
        origins[str(number)] = CopyOrigins((copied,), ((target, 0),))
        steps.append(
            StepRecord(
                f"sha256:{number}", StepKind.COPY, f"[2/2] {text}",
                inputs=(0,), layers=(ids[number + 2],), origins=str(number),
            )
        )  # fmt: skip
        lines.append(text)
        own.append(StageStep(number + 2, len(lines), len(lines), text, 0))
    stages = (
        StageRecord(
            0, "builder", froms[0], 1, needed=True, steps=(StageStep(0, 2, 2, "RUN make"),)
        ),
        StageRecord(1, "", froms[1], 3, needed=True, steps=tuple(own)),
    )
    record = BuildRecord(tuple(steps), stages, 1, "Dockerfile", "\n".join(lines) + "\n")
    listings = {ids[0]: listing(builder)}
    listings |= {ids[number + 1]: listing(layer) for number, layer in enumerate(layers)}
    roots = [Rootfs(tree_of(root / "builder", builder)), Rootfs(tree_of(root / "image", image))]
    return Subject(
        Provenance(record, origins, listings.get),
        config,
        parse_platform("linux/amd64"),
        roots[1],
        lambda index: roots[index],
        layer_facts=layer_facts,
    )


def listing(contents: Contents) -> Listing:
    """Return the entries of a layer of some files, their directories included."""
    modes: dict[str, int] = {}
    for path, content in contents.items():
        parts = path.split("/")
        for count in range(2, len(parts)):
            modes["/".join(parts[:count])] = 0o40755
        is_link = isinstance(content, str) and content.startswith("->")
        modes[path] = 0o120777 if is_link else 0o100755
    paths = sorted(modes)
    zeros = [0] * len(paths)
    return Listing(paths, [modes[path] for path in paths], zeros, zeros, zeros)
