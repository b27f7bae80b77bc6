"""The measured cases: what is prepared, and what is then timed.

In:  a peer and the directory of the workloads.
Out: ``Case`` values by name. *Cold* cases forget the image and the build cache first; *seeded*
     ones give a build argument that no build has seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from bench.case import Case, edit, nothing, provide_bases, run_all, seed, seeded
from bench.empty_machines import on_empty_machines
from bench.peers import Buildah, Jettison, Peer
from bench.process import Commands

WANTED = {
    "w1": 0.5, "w2": 0.7, "w3": 0.93, "w4-cold": 0.5, "w4-unchanged": 0.35, "w4-onefile": 0.15,
    "w5-store": 0.8, "w5-gzip": 0.5, "w6-zstd": 0.6, "w7": 0.5, "w8": 0.4, "w8-cached": 0.5,
    "w9": 0.6, "w9-cached": 0.5, "w10-push": 1.0, "w10-build-push": 0.5, "copy40-cached": 0.15,
    "w2-remote": 0.4, "w2-full-remote": 0.4, "w5-remote": 0.4, "w5-remote-export": 0.3,
    "go-remote": 0.4,
    "npm-mounts": 1.0, "platforms": 0.7,
}  # fmt: skip
"""The share of the other's time that is wanted: of the faster BuildKit's, of buildah's for
``copy40-cached``."""

TITLES = {
    "w1": "W1 Python example, all cached",
    "w2": "W2 Node example, one source file changed",
    "w3": "W3 four stages of `sleep 2`",
    "w3-jobs4": "… buildah and podman with `--jobs 4`",
    "w4-cold": "W4 context of 20,000 files and 200 MiB, cold",
    "w4-unchanged": "… unchanged",
    "w4-onefile": "… one file changed",
    "w5-store": "W5 a RUN writes 20,000 files, 300 MB",
    "w5-gzip": "… exported with gzip",
    "w6-zstd": "W6 the same, exported with zstd",
    "w7": "W7 pull of 250 MB, `RUN true`",
    "w8": "W8 30 small RUN steps, cold",
    "w8-cached": "… cached",
    "w9": "W9 200 chained stages, cold",
    "w9-cached": "… cached",
    "w10-push": "W10 push of the W5 image",
    "w10-build-push": "… built and pushed",
    "copy40-cached": "40 COPY steps, cached",
    "w2-remote": "W2 on an empty machine with a registry cache, one source file changed",
    "w2-full-remote": "… on a base image of the size of the public `node:20`",
    "w5-remote": "W5 on an empty machine with a registry cache",
    "w5-remote-export": "… built and the cache written",
    "go-remote": "Go example on an empty machine with a registry cache, one source file changed",
    "npm-mounts": "W2 on an empty machine with a registry cache, the lock file changed",
    "platforms": "W5 for two platforms, pushed",
}


def cases(peer: Peer, root: Path, *, empty: bool) -> Iterator[Case]:
    """Yield the cases W1 to W10 for a peer.

    Args:
        peer: The builder.
        root: Directory of the workloads.
        empty: Whether W7 may empty stores that others could need.
    """
    yield from _examples(peer, root)
    yield from _contexts(peer, root)
    yield from _written(peer, root)
    for work in ("w8", "w9"):
        yield cold(peer, root / work, f"bench-{work}", work)
        yield _warm(peer, root, work, f"{work}-cached")
    yield _warm(peer, root, "copy40", "copy40-cached")
    if peer.registry:
        yield from _pushed(peer, root / "w5")
        if empty or peer.emptied() is not peer:
            yield _pulled(peer, root)
            if not isinstance(peer, Buildah):  # theirs is another thing: a layer an instruction
                yield from on_empty_machines(peer, root)


def _examples(peer: Peer, root: Path) -> Iterator[Case]:
    yield _warm(peer, root, "w1", "w1")
    edited = root / "w2/src/greet.ts"
    yield _warm(peer, root, "w2", "w2", before=lambda: edit(edited, "// rev"))

    def parallel(name: str, *options: str) -> Case:
        def build() -> Commands:
            return peer.build(root / "w3", "bench-w3", "--build-arg", f"BUST={seed()}", *options)

        return Case(name, build, peer, once=lambda: run_all(peer, build()))

    yield parallel("w3", *peer.jobs(1))
    if isinstance(peer, Buildah | Jettison):
        yield parallel("w3-jobs4", *peer.jobs(4))


def _contexts(peer: Peer, root: Path) -> Iterator[Case]:
    edited = root / "w4/pkg000/m0/f00000.txt"
    yield cold(peer, root / "w4", "bench-w4", "w4-cold")
    yield _warm(peer, root, "w4", "w4-unchanged")
    yield _warm(peer, root, "w4", "w4-onefile", before=lambda: edit(edited, "#"))


def _written(peer: Peer, root: Path) -> Iterator[Case]:
    def forget() -> None:
        peer.forget("bench-w5")
        for archive in (peer.work / "out").glob(f"{peer.name}-*.tar"):
            archive.unlink()

    def export(compression: str) -> Callable[[], Commands]:
        return lambda: peer.export(root / "w5", "bench-w5", compression, *seeded())

    def store() -> Commands:
        return peer.build(root / "w5", "bench-w5", *seeded())

    yield Case("w5-store", store, peer, before=forget, after=forget)
    yield Case("w5-gzip", export("gzip"), peer, before=forget, after=forget)
    yield Case("w6-zstd", export("zstd"), peer, before=forget, after=forget)


def _pushed(peer: Peer, context: Path) -> Iterator[Case]:
    tag = f"{peer.registry}/bench/{peer.name}:latest"

    def forget() -> None:
        peer.forget(tag)

    def built() -> None:
        forget()
        run_all(peer, peer.build(context, tag, *seeded()))

    yield Case("w10-push", lambda: peer.push(tag), peer, before=built, after=forget)
    if not isinstance(peer, Buildah):  # which builds for one platform after another
        both = ("--platform", "linux/amd64,linux/arm64")
        place = context.parent / "platforms"
        yield Case(
            "platforms", lambda: peer.build_push(place, tag, *both, *seeded()), peer,
            before=forget, after=forget,
        )  # fmt: skip
    yield Case(
        "w10-build-push", lambda: peer.build_push(context, tag, *seeded()), peer,
        before=forget, after=forget,
    )  # fmt: skip


def _pulled(peer: Peer, root: Path) -> Case:
    other = peer.emptied()

    def refill() -> None:
        other.wipe()
        if other is peer:
            provide_bases(peer)

    return Case(
        "w7", lambda: other.build(root / "w7", "bench-w7"), other, before=other.wipe, after=refill
    )


def cold(peer: Peer, context: Path, tag: str, name: str) -> Case:
    """Return the case of a build that finds nothing of an earlier one."""
    return Case(name, lambda: peer.build(context, tag), peer, before=lambda: peer.forget(tag))


def _warm(
    peer: Peer, root: Path, work: str, name: str, before: Callable[[], None] = nothing
) -> Case:
    def build() -> Commands:
        return peer.build(root / work, f"bench-{work}")

    return Case(name, build, peer, once=lambda: run_all(peer, build()), before=before)
