"""A copy of the project in which the steps of a page about changing it are carried out.

In:  a page with files, edits and commands.
Out: what its commands said.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Self

from pages.output import selected
from pages.page import Block, Page
from pages.world import ROOT

COPIED = ("src", "tests", "docs", "scripts", "pyproject.toml", "mkdocs.yml", "README.md", "bench")
SECONDS = 300


class TreeCopy:
    """A copy of what is needed to change the project and to check it; a context manager.

    Args:
        programs: Names of programs that the machine lacks, and what takes their place.
    """

    def __init__(self, **programs: str) -> None:
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.place = place = Path(tempfile.mkdtemp(prefix="jettison-tree-", dir=memory))
        place.chmod(0o755)  # some tests run as another user
        skipped = shutil.ignore_patterns("__pycache__", "corpus", ".*", "*.pyc")
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, place / name, ignore=skipped, symlinks=True)
            else:
                shutil.copy(source, place / name)
        # The environment is an installation of the project itself: the copy comes before it.
        python = place / ".venv/bin/python"
        python.parent.mkdir(parents=True)
        python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        python.chmod(0o755)
        (place / "bin").mkdir()
        for name, path in programs.items():
            (place / "bin" / name).symlink_to(path)
        path = f"{place / 'bin'}:{os.environ['PATH']}"
        self.env = {**os.environ, "PYTHONPATH": str(place / "src"), "PATH": path}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.place)

    def follow(self, page: Page) -> list[str]:
        """Carry out all steps; return what went wrong."""
        faults: list[str] = []
        for block in page.blocks():
            faults += self._do(block)
        return faults

    def _do(self, block: Block) -> list[str]:
        match block.treatment:
            case "file":
                path = self.place / block.marks["file"]
                if path.exists():
                    return [f"line {block.line}: {path.name} is there already"]
                path.write_text(block.body)
            case "edit":
                return self._edit(block)
            case "run":
                return self._run(block)
        return []

    def _edit(self, block: Block) -> list[str]:
        path = self.place / block.marks["edit"]
        lines = block.body.splitlines()
        before = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "+")
        after = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "-")
        text = path.read_text()
        if text.count(before) != 1:
            return [f"line {block.line}: {path.name} has {text.count(before)} such places"]
        path.write_text(text.replace(before, after))
        return []

    def _run(self, block: Block) -> list[str]:
        status = int(block.marks.get("status", "0"))
        show = block.marks.get("show", "none")
        for command in block.commands():
            done = subprocess.run(
                ["bash", "-c", command.text],
                cwd=self.place,
                env=self.env,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
            said = f"line {block.line}: `{command.text}`"
            if done.returncode != status:
                return [f"{said} ended with {done.returncode}:\n{done.stdout}{done.stderr}"]
            shown = selected(done.stdout.splitlines(), show)
            if command.shown != shown:
                return [f"{said} prints something else:\n" + "\n".join(shown)]
        return []
