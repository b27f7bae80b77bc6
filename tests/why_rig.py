"""Projects that are edited and built again, and what is told of why steps ran.

As root builds are made in this process, which takes a tenth of the time; else by the command line.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from jettison.api.build import build
from jettison.api.session import Session
from jettison.cli.build import build as command
from jettison.cli.build import request_of
from jettison.cli.why import explanation_text
from jettison.errors import JettisonError
from jettison.settings import Settings
from jettison.why.explanation import Explanation
from scratch_rig import Scratch

EDITS = Path(__file__).parent / "engine/why/edits.toml"
Edit = dict[str, Any]


def edits() -> tuple[Edit, list[Edit]]:
    """Return the project, and the edits of it."""
    document = tomllib.loads(EDITS.read_text())
    return document["project"], document["edit"]


class Project:
    """A context with a Dockerfile beside it.

    Args:
        directory: Where it is made.
    """

    def __init__(self, directory: Path) -> None:
        self.context = directory / "project"
        self.context.mkdir(parents=True)
        self.dockerfile = directory / "Dockerfile"

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.context / name
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
            path.parent.chmod(0o755)
            path.unlink(missing_ok=True)
            path.write_text(text)
            path.chmod(0o644)

    def replace(self, pairs: Sequence[Sequence[str]]) -> None:
        text = self.dockerfile.read_text()
        for old, new in pairs:
            assert text.count(old) >= 1, old
            text = text.replace(old, new)
        self.dockerfile.write_text(text)

    def set_up(self, project: Edit, edit: Edit) -> None:
        """Make what an edit starts from."""
        self.dockerfile.write_text(edit.get("dockerfile", project["dockerfile"]).lstrip("\n"))
        if "fails" in edit:
            failing = edit["fails"]
            self.replace([[failing.partition(" && ")[0], failing]])
        # Edits share a store: what one of them has built must not be found by another.
        own = {"src/z.txt": f"{edit['title']}\n"}
        self.write({**project["files"], **own, **edit.get("files", {})})
        self.link(edit.get("link_before", {}))

    def change(self, edit: Edit) -> None:
        """Make the edit."""
        self.replace(edit.get("replace", []))
        self.write(edit.get("write", {}))
        self.link(edit.get("link", {}))
        for name in edit.get("remove", []):
            (self.context / name).unlink()
        for old, new in edit.get("rename", {}).items():
            (self.context / old).rename(self.context / new)
        for name, mode in edit.get("chmod", {}).items():
            (self.context / name).chmod(int(mode, 8))
        for name, pair in edit.get("xattr", {}).items():
            key, _, value = pair.partition("=")
            os.setxattr(self.context / name, key, value.encode())
        for name, owner in edit.get("owner", {}).items():
            if os.geteuid() == 0:
                os.chown(self.context / name, *map(int, owner.split(":")))
        for name in edit.get("touch", []):
            os.utime(self.context / name, (1, 1))

    def link(self, links: Mapping[str, str]) -> None:
        for name, target in links.items():
            (self.context / name).unlink(missing_ok=True)
            (self.context / name).symlink_to(target)


class Builder:
    """Builds projects in one store.

    Args:
        directory: Where the store and images are.
        busybox: A static one.
    """

    def __init__(self, directory: Path, busybox: str) -> None:
        self._scratch = Scratch(directory, busybox)
        self.tools = self._scratch.context
        self.salt = ""
        self.images = directory / "images"
        self.images.mkdir()

    @property
    def store(self) -> Path:
        return self._scratch.store

    def layout(self, name: str, *, owner: str = "0:0", more: str = "") -> Path:
        """Make an image with busybox and a file, as a layout; in place of an earlier one."""
        place = self.images / name
        shutil.rmtree(place, ignore_errors=True)
        text = f"FROM scratch\nCOPY busybox /bin/busybox\nCOPY --chown={owner} <<end /owned\n{more}{self.salt}\nend\n"
        done = self._scratch.build(text, "-o", f"type=oci,dest={place},tar=false", base=False)
        assert done.returncode == 0, done.stderr
        return place

    def build(self, project: Project, *flags: str, fails: bool = False) -> Explanation:
        """Build a project; return why its steps ran."""
        arguments = [*flags, "-f", str(project.dockerfile), str(project.context)]
        arguments = ["--build-context", f"tools={self.tools}", *arguments]
        if os.geteuid() != 0:
            return self._by_command(arguments, fails=fails)
        with command.make_context("build", arguments) as context:
            request = request_of(context.params["context"], {**context.params, "explain": True})
        with Session.open(Settings(root=str(self.store)), os.environ) as session:
            try:
                explanation = build(session, request, lambda _event: None).explanation
                assert not fails
            except JettisonError:
                assert fails
                return self.why()
        assert explanation is not None
        return explanation

    def _by_command(self, arguments: Sequence[str], *, fails: bool) -> Explanation:
        done = self._scratch.run("build", "--progress=rawjson", *arguments)
        assert (done.returncode != 0) == fails, done.stderr
        if '"event":"why"' not in done.stderr and not fails:
            return Explanation("", "", "", 0, 0, 0, (), ())
        return self.why()

    def why(self, *arguments: str) -> Explanation:
        """Ask for the last build, or another."""
        done = self._scratch.run("why", *arguments, "--json")
        assert done.returncode == 0, done.stderr
        return msgspec.json.decode(done.stdout, type=Explanation)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._scratch.run(*arguments)


def make_edit(
    project_of: Edit, edit: Edit, directory: Path, builder: Builder
) -> tuple[Explanation, str]:
    """Build a project, make an edit, build it again; return why steps ran, also as text.

    Times and paths of this host are no part of the text.
    """
    project = Project(directory)
    project.set_up(project_of, edit)
    more = []
    for name in edit.get("contexts", ()):
        more += ["--build-context", f"{name}=oci-layout://{builder.layout(name)}"]
    builder.build(project, *more, *edit.get("before", ()), fails="fails" in edit)
    if "moves" in edit:
        builder.layout(edit["moves"], more="another")
    if "gives" in edit:
        builder.layout(edit["gives"], owner="1000:1000")
    project.change(edit)
    if edit.get("prune"):
        assert builder.run("builder", "prune", "-af").returncode == 0
    found = builder.build(project, *more, *edit.get("flags", edit.get("before", ())))
    return found, _quiet(explanation_text(found), builder.images)


def _quiet(text: str, images: Path) -> str:
    text = text.replace(f"oci-layout://{images}/", "oci-layout://…/")
    text = re.sub(r" \(compared with the build of .*? ago\)", "", text)
    text = re.sub(r"  \[\d+\.\d+ s\]|, \d+\.\d+ s\b", "", text)
    return re.sub(r"@sha256:[0-9a-f]{64}", "@sha256:…", text)
