"""Where pages are run: a fresh home of a user without privileges, and stand-ins for what is far away.

In:  a page, or several that one reader reads one after the other.
Out: what its commands said, with the names that the page uses.

Stand-ins: ``registry.example.com`` and ``ghcr.io`` are a registry on this machine that wants the
login of ``maria``; docker.io is another one, through the setting for mirrors; pip takes packages
from an index on this machine. ``jettison`` is this checkout.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import click

from e2e.rig import Jettison
from host_tools import tool
from other_user import becoming, interpreter, somebody
from pages.job import steps_of
from pages.output import alike, selected
from pages.page import Block, Command, Page
from pages.shell import Said, Step, run
from registry_server import PASSWORD, USER, RegistryServer

ROOT = Path(__file__).resolve().parents[2]
REMOTE = ("registry.example.com", "ghcr.io")
HOME = "/home/you"
CHECKOUT = ("examples", "requirements", "src", "LICENSE", "README.md", "pyproject.toml")
"""What a reader's checkout has: what the pages that are run there need."""

_WRAPPER = '#!/bin/sh\nPYTHONPATH={path} PYTHONDONTWRITEBYTECODE=1 exec {python} {words}"$@"\n'
_REMOVE = """
import sys, pathlib
from jettison.linux import userns
userns.enter()
from jettison.fs.remove import remove_tree
[remove_tree(each) for each in pathlib.Path(sys.argv[1]).glob("home/*")]
"""


@dataclass
class Outcome:
    """What became of a page: what is wrong, and the page as it ought to be."""

    text: str
    faults: list[str] = field(default_factory=list)


class World:
    """A home, a registry, a mirror; a context manager.

    Args:
        mirror: The registry that stands in for docker.io.
        index: Address of the index of Python packages, or empty.
    """

    def __init__(self, mirror: RegistryServer, index: str = "") -> None:
        self.mirror = mirror
        self.index = index
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.place = Path(tempfile.mkdtemp(prefix="jettison-docs-", dir=memory))
        self.home = self.place / "home"
        self.user = somebody()
        self.become = becoming(self.user)
        self.python = interpreter(self.become)
        self._stack = ExitStack()
        self._pages = 0

    def __enter__(self) -> Self:
        self.place.chmod(0o755)
        registry = RegistryServer(self.place / "registry", "basic")
        self.registry = self._stack.enter_context(registry)
        for directory in (self.home, self.place / "bin"):
            directory.mkdir()
        # As where `activate` was sourced: `python3` is the machine's own.
        site = Path(click.__file__).parents[1]
        for name, words in {"jettison": "-m jettison ", "python": ""}.items():
            path = self.place / "bin" / name
            places = f"{ROOT / 'src'}:{site}"
            path.write_text(_WRAPPER.format(path=places, python=self.python, words=words))
            path.chmod(0o755)
        checkout = self.home / "jettison"
        for name in CHECKOUT:
            if (ROOT / name).is_dir():
                shutil.copytree(
                    ROOT / name, checkout / name, ignore=shutil.ignore_patterns("*.pyc")
                )
            else:
                shutil.copy(ROOT / name, checkout / name)
        self._give(self.home)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        # Files of subordinate ids are root's to remove, or of one who is root in the namespace.
        words = [*self.become, self.place / "bin/python", "-c", _REMOVE, str(self.place)]
        subprocess.run(words, env=self.env, cwd="/", check=False, capture_output=True)
        shutil.rmtree(self.place)

    @property
    def env(self) -> dict[str, str]:
        """The environment of the reader, and of a CI system."""
        kept = {k: v for k, v in os.environ.items() if re.match(r"(?i)ssl_cert|.*_proxy$", k)}
        direct = {"NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}
        return {
            **kept,
            **direct,
            "PATH": f"{self.place / 'bin'}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(self.home),
            "USER": self.user.pw_name,
            "LANG": "C.UTF-8",
            "JETTISON_REGISTRY_MIRRORS": f"http://{self.mirror.host}",
            **({"PIP_INDEX_URL": self.index} if self.index else {}),
        }

    def read(self, page: Page, *, directory: str = "work") -> Outcome:
        """Do what a page says.

        Args:
            directory: Where its reader is, below the home; what is not there is made.
        """
        work = self.home / directory
        work.mkdir(parents=True, exist_ok=True)
        self._pages += 1
        notes = self.place / f"notes-{self._pages}"
        notes.mkdir()
        for path in (work, notes):
            self._give(path)
        reading = _Reading(page, self)
        try:
            said = run(
                reading.steps, work=work, notes=notes, env=self.env | self.job_variables,
                become=self.become,
            )  # fmt: skip
        except RuntimeError as error:
            return Outcome(page.text, [f"{page.path.name}: {error}"])
        return reading.outcome(said)

    @property
    def host(self) -> str:
        """The registry's address, one that is a part of no other."""
        return f"localhost:{self.registry.port}"

    def here(self, text: str) -> str:
        """Return a text of a page with the names of this machine."""
        for name in REMOTE:
            text = re.sub(rf"\b{re.escape(name)}\b", self.host, text)
        return text

    def there(self, text: str) -> str:
        """Return a text of this machine with the names of the page."""
        for name in (self.host, self.registry.host):
            text = text.replace(name, REMOTE[0])
        text = text.replace(str(self.home), HOME)
        return text.replace(f"{self.user.pw_name}", "you")

    @property
    def job_variables(self) -> dict[str, str]:
        """What CI systems tell their jobs."""
        return {
            "CI_REGISTRY": self.host,
            "CI_REGISTRY_USER": USER,
            "CI_REGISTRY_PASSWORD": PASSWORD,
            "CI_REGISTRY_IMAGE": f"{self.host}/team/app",
            "CI_COMMIT_SHORT_SHA": "1a2b3c4d",
            "GITHUB_ACTOR": USER,
            "TOKEN": PASSWORD,  # as the recipe names GitHub's
            "GITHUB_REPOSITORY": "team/app",
            "GITHUB_SHA": "5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f7081",
        }

    def _give(self, directory: Path) -> None:
        for path in (directory, *directory.rglob("*")):
            os.chown(path, self.user.pw_uid, self.user.pw_gid, follow_symlinks=False)


class _Reading:
    """The steps of a page, and whose they are."""

    def __init__(self, page: Page, world: World) -> None:
        self.page = page
        self.world = world
        self.steps: list[Step] = []
        self._owners: list[tuple[Block, Command | None]] = []
        self._sessions: list[tuple[Block, list[Command]]] = []
        for block in page.blocks():
            self._plan(block)

    def _plan(self, block: Block) -> None:
        if before := block.marks.get("before"):
            self._add(block, None, before)
        status = int(block.marks.get("status", "0"))
        if block.treatment == "run":
            commands = block.commands()
            mixed = "show" in block.marks and block.marks["show"] != "none"
            self._sessions.append((block, commands))
            for command in commands:
                self._add(block, command, command.text, status, mixed or status != 0)
        elif block.treatment == "file":
            path = block.marks["file"]
            body = block.body.replace("'", "'\\''")
            self._add(block, None, f"mkdir -p \"$(dirname {path})\"\nprintf %s '{body}' > {path}")
        elif block.treatment == "job":
            for text in steps_of(block.body, block.marks["job"]):
                self._add(block, None, text, status)

    def _add(
        self, block: Block, command: Command | None, text: str, status: int = 0, mixed: bool = False
    ) -> None:
        self.steps.append(Step(self.world.here(text), status, mixed))
        self._owners.append((block, command))

    def outcome(self, said: Sequence[Said]) -> Outcome:
        """Compare what was said with what is printed, and print it."""
        faults: list[str] = []
        for (block, command), step, each in zip(self._owners, self.steps, said, strict=False):
            where = f"{self.page.path.name}:{block.line}: `{step.text}`"
            if each.status != step.status:
                ended = "did not end" if each.status is None else f"ended with {each.status}"
                faults.append(f"{where} {ended}:\n{each.output}{each.errors}")
            elif command is not None:
                lines = self.world.there(each.output).splitlines()
                wanted = [line.rstrip() for line in selected(lines, block.marks.get("show", "all"))]
                if not alike(command.shown, wanted):
                    faults.append(f"{where} prints something else:\n" + "\n".join(wanted))
                    command.shown = wanted
        return Outcome(self.page.with_sessions(self._sessions), faults)


@contextmanager
def mirror(
    directory: Path, images: Mapping[str, Jettison], index: str = ""
) -> Iterator[RegistryServer]:
    """Serve a registry that has busybox, and other base images.

    Args:
        directory: Its files, and a store for busybox.
        images: Names, such as ``python:3.11-slim``, and the command line whose store has them.
        index: Address of the index that pip takes packages from in these images.
    """
    own = Jettison(directory / "store")
    with RegistryServer(directory / "registry") as server, tempfile.TemporaryDirectory() as context:
        place = Path(context)
        shutil.copy(tool("busybox"), place / "busybox")
        (place / "Dockerfile").write_text(_BUSYBOX)
        own("build", "-o", f"type=registry,name={server.host}/library/busybox", place)
        for name, theirs in images.items():
            settings = f"ENV PIP_INDEX_URL={index}\n" if index and "slim" in name else ""
            (place / "Dockerfile").write_text(f"FROM {name}\n{settings}")
            theirs("build", "-o", f"type=registry,name={server.host}/library/{name}", place)
        yield server


_BUSYBOX = """\
FROM scratch
COPY --chmod=755 busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN mkdir -m 1777 /tmp && mkdir -p /etc /root && echo root:x:0:0::/root:/bin/sh > /etc/passwd
CMD ["sh"]
"""
