"""Builds images in this process, and says what their checks find and whether they run."""

from __future__ import annotations

import hashlib
import shutil
import uuid
from collections.abc import Callable, Collection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

import jettison
from jettison.api.check import check
from jettison.api.images import remove_images
from jettison.api.request import BuildRequest, BuildResult, SecretRequest
from jettison.api.session import Session
from jettison.findings.finding import Finding, Severity
from jettison.frontend.dockerfile.parser import parse
from jettison.frontend.dockerfile.syntax import From
from jettison.image.names import tag_reference

HERE = Path(__file__).parent
PRIVATE = frozenset({"box", "scratch"})


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``expect.json`` of a defect.

    Args:
        rule: That finds it.
        line: First line of what is to blame; 0 for none.
        path: File of the image that it is about; empty for none.
        severity: Of the finding.
        fails: Whether the image cannot be run.
        run: Command in the place of its CMD.
        status: Of the fixed image's command.
        fixed: ``apply``: by the finding's first fix; ``file``: by ``Fixed.Dockerfile``.
        output: Part of what the fixed image writes.
        text: Whether it is found in the Dockerfile alone; with ``fails``, it cannot be built.
        options: Of the build, as ``jettison.build`` takes them; paths of contexts begin at the
            folder, and name an image if there is a Dockerfile.
    """

    rule: str
    line: int = 0
    path: str = ""
    severity: str = "error"
    fails: bool = True
    run: tuple[str, ...] = ()
    status: int = 0
    fixed: str = "apply"
    output: str = ""
    text: bool = False
    options: dict[str, Any] = {}


class Checked:
    """Builds, checks and runs.

    Args:
        session: The store.
        make_bases: Puts base images into it, by name.
        busybox: A static one: ``FROM box`` is an image of it alone.
    """

    def __init__(self, session: Session, make_bases: Callable[..., None], busybox: str) -> None:
        self.session = session
        self._make_bases = make_bases
        self._busybox = busybox
        self._has_box = False
        self._version = ""
        self._tags: list[str] = []

    def build(
        self, folder: Path, text: str | None = None, **options: Any
    ) -> tuple[str, BuildResult]:
        """Build a folder; return the image's name and the result.

        Args:
            folder: With the Dockerfile and its context.
            text: Another Dockerfile.
            options: Of the build; ``secrets`` may be a mapping of ids to files of the folder.
        """
        if isinstance(options.get("secrets"), dict):
            given = options["secrets"].items()
            options["secrets"] = [SecretRequest(each, str(folder / file)) for each, file in given]
        dockerfile = folder / "Dockerfile"
        data = dockerfile.read_text() if text is None else text
        contexts = options.get("contexts", {})
        self.need_bases(data, contexts)
        if contexts:
            options["contexts"] = {
                name: self._context(folder / path) for name, path in contexts.items()
            }
        self._keep_nothing_of_other_versions(folder)
        tag = f"checked-{folder.name.lower()}-{uuid.uuid4().hex[:6]}"
        self._tags.append(tag)
        if text is not None:
            dockerfile = folder / f".{tag}"
            dockerfile.write_text(text)
        try:
            done = jettison.build(
                folder, dockerfile=dockerfile, tags=[tag], session=self.session, **options
            )
        finally:
            if text is not None:
                dockerfile.unlink()
        return tag, done

    def of_text(self, folder: Path, text: str | None = None) -> tuple[Finding, ...]:
        """Return what `jettison check` finds in a folder's Dockerfile, or another for it."""
        if text is None:
            return self._of_text(folder, folder / "Dockerfile")
        dockerfile = folder / ".other"
        dockerfile.write_text(text)
        try:
            return self._of_text(folder, dockerfile)
        finally:
            dockerfile.unlink()

    def _of_text(self, folder: Path, dockerfile: Path) -> tuple[Finding, ...]:
        return check(self.session, BuildRequest(str(folder), dockerfile=str(dockerfile))).own

    def remove_images(self) -> None:
        """Remove what was built: the store stays, and so do the steps that may be used again."""
        there = [
            tag for tag in self._tags if self.session.store.images.lookup(str(tag_reference(tag)))
        ]
        remove_images(self.session, there, force=True)

    def _keep_nothing_of_other_versions(self, folder: Path) -> None:
        """Let findings that other sources of the rules gave not count: the store is shared."""
        if not self._version:
            package = Path(jettison.__file__).parent
            sources = [*package.glob("check/**/*.py"), *package.glob("analysis/**/*.py")]
            text = "".join(str((each.stat().st_mtime_ns, each.stat().st_size)) for each in sources)
            self._version = f"of-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
        settings = folder / "jettison.toml"
        if not settings.exists():
            settings.write_text(f'[check]\nignore = ["{self._version}"]\n')

    def run(self, tag: str, command: tuple[str, ...] = ()) -> tuple[int, str]:
        """Return the exit status of an image's command, and all that it wrote.

        A command that cannot be started has status 125 or more.
        """
        try:
            done = jettison.run(
                tag, command, capture=True, network="none", session=self.session, progress="quiet"
            )
        except jettison.JettisonError as error:
            return 125, str(error)
        return done.exit_code, (done.stdout + done.stderr).decode(errors="replace")

    def need_bases(self, text: str, contexts: Collection[str] = ()) -> None:
        """Make the base images that a Dockerfile is FROM, unless they are contexts."""
        names = set()
        stages: set[str] = set()
        for each in parse(text.encode()).instructions:
            if isinstance(each, From):
                if each.image not in {*stages, *PRIVATE, *contexts}:
                    names.add(each.image)
                stages.add(each.stage_name)
                self._make_box(each.image)
        if names:
            self._make_bases(*sorted(names))

    def _context(self, folder: Path) -> str:
        """Return what names a context; one with a Dockerfile is the image that this makes."""
        if not (folder / "Dockerfile").exists():
            return str(folder)
        tag = f"checked-base-{folder.name.lower()}"
        jettison.build(folder, tags=[tag], session=self.session, progress="quiet", checks="none")
        return f"docker-image://{tag}"

    def _make_box(self, name: str) -> None:
        if name != "box" or self._has_box:
            return
        with TemporaryDirectory() as place:
            context = Path(place)
            shutil.copy(self._busybox, context / "busybox")
            (context / "Dockerfile").write_text(
                "FROM scratch\nCOPY busybox /bin/busybox\n"
                'RUN ["/bin/busybox", "--install", "-s", "/bin"]\nENV PATH=/bin\nCMD ["/bin/sh"]\n'
            )
            jettison.build(context, tags=["box"], session=self.session, progress="quiet")
        self._has_box = True


def of_rule(findings: tuple[Finding, ...], rule: str) -> list[Finding]:
    """Return the findings of one rule."""
    return [each for each in findings if each.rule == rule]


def errors(findings: tuple[Finding, ...], *, but: str = "") -> list[Finding]:
    """Return the errors, but for those of one rule."""
    return [each for each in findings if each.severity is Severity.ERROR and each.rule != but]
