"""The measured cases: what is prepared, and what is then timed.

In:  a peer and the directory of the workloads.
Out: ``Case`` values by name. *Cold* cases forget the image and the build cache first.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import workloads
from bench.peers import Commands, Jettison, Peer

_seeds = itertools.count(int(time.time()))


def nothing() -> None:
    """Prepare nothing."""


@dataclass(frozen=True)
class Case:
    """One thing to measure.

    Attributes:
        name: Like ``w4-cold``.
        commands: What is timed; asked anew for every run.
        once: Built before the first run, or None.
        before: Prepares every run.
        limit: Ratio to BuildKit that must be reached; 0 is none.
    """

    name: str
    commands: Callable[[], Commands]
    once: Callable[[], Commands] | None = None
    before: Callable[[], None] = nothing
    limit: float = 0.0


def cases(peer: Peer, root: Path) -> Iterator[Case]:
    """Yield the cases W1 to W10 for a peer."""

    def build(work: str, *options: str) -> Callable[[], Commands]:
        return lambda: peer.build(root / work, f"bench-{work}", *options)

    def cold(work: str) -> Callable[[], None]:
        return lambda: peer.forget(f"bench-{work}")

    def seeded(work: str) -> Callable[[], Commands]:
        return lambda: peer.build(root / work, f"bench-{work}", *_seed())

    def export(compression: str) -> Callable[[], Commands]:
        return lambda: peer.export(root / "w5", "bench-w5", compression, *_seed())

    yield Case("w1", build("w1"), once=build("w1"), limit=0.5)
    edited = root / "w2/src/text.ts"
    yield Case("w2", build("w2"), build("w2"), lambda: _edit(edited), 0.7)
    yield Case("w3", seeded("w3"), once=seeded("w3"), limit=0.93)
    yield Case("w4-cold", build("w4"), before=cold("w4"), limit=0.5)
    yield Case("w4-unchanged", build("w4"), once=build("w4"), limit=0.35)
    edited4 = root / "w4/p000/m0/f0.txt"
    yield Case("w4-onefile", build("w4"), build("w4"), lambda: _edit(edited4), 0.15)
    yield Case("w5-store", seeded("w5"), before=cold("w5"), limit=0.8)
    yield Case("w5-gzip", export("gzip"), before=cold("w5"), limit=0.5)
    yield Case("w6-zstd", export("zstd"), before=cold("w5"), limit=0.6)
    yield Case("w8", build("w8"), before=cold("w8"), limit=0.4)
    yield Case("w8-cached", build("w8"), once=build("w8"), limit=0.5)
    yield Case("w9", build("w9"), before=cold("w9"), limit=0.6)
    yield Case("w9-cached", build("w9"), once=build("w9"), limit=0.5)
    if registry := os.environ.get("BENCH_REGISTRY"):
        tag = f"{registry}/bench/{peer.name}:latest"
        yield Case(
            "w10",
            lambda: [*peer.build(root / "w5", tag, *_seed()), *peer.push(tag)],
            before=lambda: peer.forget(tag),
            limit=0.5,
        )
    if isinstance(peer, Jettison):
        # Other builders keep base images elsewhere; emptying their stores is not ours to do.
        yield Case("w7", build("w7"), before=peer.empty)


def curves(peer: Peer, root: Path, sizes: str) -> Iterator[tuple[str, int, Case]]:
    """Yield cases of growing size: name of the curve, units, case (cold each)."""
    many = {"small": (1000, 5000), "normal": (1000, 5000, 20_000), "large": (1000, 20_000, 200_000)}
    table: dict[str, tuple[tuple[int, ...], Callable[[Path, int], None]]] = {
        "stages": ((1, 10, 50, 100, 200, 400), workloads.chained_stages),
        "steps": ((1, 10, 50, 100, 300), workloads.run_steps),
        "layers": ((1, 10, 50, 100, 120), workloads.copy_steps),
        "files": (many[sizes], lambda path, count: workloads.many_files(path, count, 1)),
    }
    for name, (counts, write) in table.items():
        for count in counts:
            path = root / f"curve-{name}-{count}"
            if not (path / "Dockerfile").exists():
                path.mkdir(parents=True, exist_ok=True)
                write(path, count)
            yield name, count, _curve(peer, path, f"bench-{name}")


def _curve(peer: Peer, path: Path, tag: str) -> Case:
    return Case(path.name, lambda: peer.build(path, tag), before=lambda: peer.forget(tag))


def _seed() -> tuple[str, str]:
    return ("--build-arg", f"SEED={next(_seeds)}")


def _edit(path: Path) -> None:
    text = path.read_text().partition("\n// edit ")[0]
    path.write_text(f"{text}\n// edit {next(_seeds)}\n")
