"""A machine with an empty store that builds an image of two stages, with caches of others."""

from __future__ import annotations

import shutil
from pathlib import Path

from scratch_rig import Scratch

TEXT = """
FROM busybox AS build
WORKDIR /src
COPY lock .
RUN cat lock lock > modules; ln modules same; ln -s modules link; rm /bin/wget; mkfifo pipe
COPY src src
RUN cat src/* modules > program
FROM busybox
COPY --from=build /src/program /app/
RUN echo done > /end
"""
STEPS = 3 + 5 + 2
"""In all: of the stages ``busybox`` and ``build``, and the last one."""


class Machine:
    """A machine with an empty store, a context, and a copy of a cache that another one has written.

    Args:
        scratch: Store and context.
        first: The cache; None for a machine that begins without.
    """

    def __init__(self, scratch: Scratch, first: Path | None) -> None:
        self.scratch = scratch
        self.cache = scratch.directory / "cache"
        if first is not None:
            shutil.copytree(first, self.cache)
        self._stores = 0
        (scratch.context / "lock").write_text("lock\n")
        (scratch.context / "src").mkdir()
        (scratch.context / "src/one").write_text("one\n")

    def replace(self) -> None:
        """Go on with an empty store."""
        self._stores += 1
        self.scratch.store = self.scratch.directory / f"store{self._stores}"

    def edit(self, text: str) -> None:
        (self.scratch.context / "src/one").write_text(text)

    def build(self, *flags: str | Path, text: str = TEXT, tag: str = "app") -> tuple[int, str]:
        """Build; return how many steps ran, and what was said."""
        done = self.scratch.build(text, "-t", tag, "--no-checks", *flags)
        assert done.returncode == 0, done.stderr
        said = done.stdout + done.stderr
        if "nothing to run" in said:
            return 0, said
        (line,) = (each for each in said.splitlines() if "steps ran" in each or "step ran" in each)
        return int(line.split()[0]), said

    def image(self, tag: str = "app") -> str:
        return self.scratch.run("images", "-q", "--no-trunc", tag).stdout.strip()

    def layers(self) -> int:
        """Return how many layers are here as files."""
        return len(list((self.scratch.store / "snapshots").iterdir()))

    def program(self) -> str:
        return self.scratch.run("run", "--rm", "app", "cat", "/app/program").stdout
