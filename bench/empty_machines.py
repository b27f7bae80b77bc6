"""What CI does: a store that is empty, and a cache in a registry that an earlier build has filled.

In:  a peer and the directory of the workloads.
Out: ``Case`` values.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.case import Case, edit, provide_bases, run_all, seed, seeded
from bench.peers import Jettison, Peer
from bench.process import Commands


def on_empty_machines(peer: Peer, root: Path) -> Iterator[Case]:
    """Yield the cases; where a peer's cache can hold cache mounts, it does.

    Args:
        peer: The builder.
        root: Directory of the workloads.
    """
    machine = _EmptyMachine(peer, root)

    def exported() -> Commands:
        return machine.build("w5", *seeded(), "--cache-to", machine.cache("w5-export"))

    yield machine.case("w2-remote", "w2", lambda: edit(root / "w2/src/greet.ts", "// rev"))
    yield machine.case(
        "w2-full-remote", "w2-full", lambda: edit(root / "w2-full/src/greet.ts", "// rev")
    )
    yield machine.case("w5-remote", "w5", None, lambda: ("--label", f"seed={seed()}"))
    yield machine.case("go-remote", "go", lambda: edit(root / "go/main.go", "// rev"))
    yield machine.case("npm-mounts", "npm", lambda: _relock(root / "npm/package-lock.json"))
    yield Case(
        "w5-remote-export", exported, machine.other, before=machine.other.wipe, after=machine.refill
    )


class _EmptyMachine:
    """A peer with a store that is emptied before each build."""

    def __init__(self, peer: Peer, root: Path) -> None:
        self._peer = peer
        self._root = root
        self.other = peer.emptied()

    def cache(self, name: str) -> str:
        """Return where a cache is written to."""
        mounts = ",mounts=true" if isinstance(self._peer, Jettison) else ""
        return f"{self._place(name)},mode=max{mounts}"

    def build(self, work: str, *options: str) -> Commands:
        """Build on the empty machine."""
        return self.other.build(self._root / work, f"bench-{work}-remote", *options)

    def refill(self) -> None:
        """Let other cases find the base images again."""
        self.other.wipe()
        if self.other is self._peer:
            provide_bases(self._peer)

    def case(
        self,
        name: str,
        work: str,
        change: Callable[[], None] | None,
        options: Callable[[], tuple[str, ...]] = tuple,
    ) -> Case:
        """Return a build with what another machine has left in a registry.

        Args:
            name: The case's.
            work: What is built.
            change: Is done to the context before each build.
            options: More of them, for each build.
        """

        def fill() -> None:
            argv = ("--cache-to", self.cache(work))
            run_all(self._peer, self._peer.build(self._root / work, f"bench-{work}-remote", *argv))

        def before() -> None:
            self.other.wipe()
            if change is not None:
                change()

        def build() -> Commands:
            return self.build(work, "--cache-from", self._place(work), *options())

        return Case(name, build, self.other, once=fill, before=before, after=self.refill)

    def _place(self, name: str) -> str:
        peer = self._peer
        return f"type=registry,ref={peer.registry}/bench/{peer.name}-{name}-cache:latest"


def _relock(path: Path) -> None:
    """Change a lock file of npm, but not what it asks for."""
    lock = json.loads(path.read_text())
    lock["packages"][""]["description"] = f"{seed()}"
    path.write_text(json.dumps(lock, indent=2) + "\n")
