#!/usr/bin/env python3
"""Say how right the checks of images are, in two tables.

In:  the defects and the good images of ``tests/checks``, the stand-in base images, the examples,
     and public projects: those that ``projects.toml`` in the directory of ``--sources`` names, as
     far as their repositories are there (``OWNER/NAME`` or ``OWNER+NAME/repo``).
Out: the page ``docs/checks/results.md`` on standard output: for each rule how many defects it found
     and missed, and how often it was wrong about a good image; for each good image what was found,
     and what a start of it came to. ``--json`` keeps each finding. The exit status is 1 if
     something was missed or wrong.

Run it with the project's interpreter, as root, where packages can be fetched. Base images and
builds stay in the store (``JETTISON_ROOT``), so that a second run only checks and starts.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from project_python import ROOT, enter

enter()

import msgspec  # noqa: E402 - found through sys.path
from bench.checks.sources import (  # noqa: E402
    Manifest,
    NotHadError,
    checked_out,
    crosses,
    read_manifest,
    stand_ins,
)
from bench.checks.tables import (  # noqa: E402
    Defect,
    Image,
    Start,
    false_ones,
    page,
    wrong_ones,
)

import jettison  # noqa: E402
from checks.rig import HERE as FIXTURES  # noqa: E402
from checks.rig import Checked, Expected  # noqa: E402
from e2e.rig import Jettison, made_bases  # noqa: E402
from jettison.api.check import check  # noqa: E402
from jettison.api.image_checks import check_named  # noqa: E402
from jettison.api.probe import probe_named  # noqa: E402
from jettison.api.probe_container import parse_target  # noqa: E402
from jettison.api.request import BuildRequest  # noqa: E402
from jettison.api.session import Session  # noqa: E402
from jettison.check.registry import ENTRIES  # noqa: E402
from jettison.findings.finding import Finding, Severity  # noqa: E402
from jettison.lint.registry import OWN_RULES  # noqa: E402
from jettison.settings import Settings  # noqa: E402

BENCH = ROOT / "bench/checks"
EXAMPLES = ROOT / "examples"
STEP_SECONDS = 900.0


class Run:
    """Builds and checks on one store.

    Args:
        session: It.
        root: Its directory.
        only: Parts of names; others are left out.
    """

    def __init__(self, session: Session, root: Path, only: Sequence[str]) -> None:
        busybox = shutil.which("busybox")
        if busybox is None:
            raise SystemExit("check_tables.py: a static `busybox` is needed")
        self._session = session
        self._command = Jettison(root)
        self._only = only
        self._ignored = frozenset({rules_version()})
        self._checked = Checked(session, self._make_bases, busybox)

    def defects(self) -> Iterator[Defect]:
        """Build each planted defect; say whether it was found."""
        for path in sorted((FIXTURES / "defects").glob("*/expect.json")):
            folder = path.parent
            if not self._is_wanted(folder.name):
                continue
            wanted = msgspec.json.decode(path.read_bytes(), type=Expected)
            try:
                if wanted.text:
                    found = self._checked.of_text(folder)
                else:
                    _, found = self._fixture(folder, **wanted.options)
            except jettison.JettisonError as error:
                yield Defect(folder.name, wanted.rule, trouble=reason(error))
                continue
            at = [
                each
                for each in found
                if (each.rule, each.line, each.path, each.severity.value)
                == (wanted.rule, wanted.line, wanted.path, wanted.severity)
            ]
            other = (e for e in found if e.rule != wanted.rule and e.severity is Severity.ERROR)
            yield Defect(folder.name, wanted.rule, len(at) == 1, tuple(other))

    def fixtures(self, ends: Mapping[str, str]) -> Iterator[Image]:
        """Build the good images of the tests."""
        for path in sorted((FIXTURES / "good").glob("*/Dockerfile")):
            name = path.parent.name
            if self._is_wanted(name):
                try:
                    tag, found = self._fixture(path.parent)
                    start = self._started(tag, found, ends=ends.get(name, ""))
                    has_others = crosses(path.read_text())
                    yield Image("fixture", name, found, crosses=has_others, start=start)
                except jettison.JettisonError as error:
                    yield Image("fixture", name, missing=reason(error))

    def bases(self, names: Sequence[str]) -> Iterator[Image]:
        """Make stand-ins for base images."""
        for name in names:
            if self._is_wanted(name):
                self._make_bases(name)
                yield Image("base", name, self._check(name))

    def examples(self) -> Iterator[Image]:
        """Build the examples."""
        for path in sorted(EXAMPLES.glob("*/Dockerfile")):
            name = path.parent.name
            if name == "bases" or not self._is_wanted(name):
                continue
            self._checked.need_bases(path.read_text())
            image = self._built("example", name, path.parent, path)
            if not image.missing:
                image.start = self._started(tag_of(name), image.findings)
            yield image

    def projects(self, manifest: Manifest, sources: Path | None) -> Iterator[Image]:
        """Build the public projects that are there."""
        for build in manifest.build:
            if not self._is_wanted(build.name):
                continue
            if build.missing:
                yield Image("project", build.name, missing=build.missing)
                continue
            with tempfile.TemporaryDirectory(prefix="jettison-project-") as place:
                try:
                    checked_out(manifest, build, sources, Path(place))
                    dockerfile = Path(place) / build.folder / build.dockerfile
                    contexts = stand_ins(manifest, build, dockerfile.read_text())
                    for target in contexts.values():
                        self._stand_in(target)
                except (NotHadError, jettison.JettisonError) as error:
                    yield Image("project", build.name, missing=reason(error))
                    continue
                image = self._built(
                    "project",
                    build.name,
                    Path(place) / build.folder,
                    dockerfile,
                    target=build.target,
                    build_args=build.args,
                    contexts={
                        name: f"docker-image://{stand_in(target)}"
                        for name, target in contexts.items()
                    },
                )
            if not image.missing:
                image.start = self._started(
                    tag_of(build.name), image.findings, build.probe, build.ends
                )
            yield image

    def _is_wanted(self, name: str) -> bool:
        return not self._only or any(part in name for part in self._only)

    def _make_bases(self, *names: str) -> None:
        made_bases(self._command, *names)

    def _stand_in(self, target: str) -> None:
        """Make an image of ``bases/Dockerfile``, or one of the examples' bases."""
        if ":" in target:
            self._make_bases(target)
            return
        text = (BENCH / "bases/Dockerfile").read_text()
        self._make_bases("busybox")
        self._checked.need_bases(text.replace("FROM alpine-plain", "FROM scratch"))
        packages = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        jettison.build(
            EXAMPLES / "bases",
            target="alpine-built",
            tags=["alpine-plain"],
            contexts={"packages": str(packages / "jettison/bases/packages")},
            session=self._session,
            progress="quiet",
            checks="none",
        )
        jettison.build(
            BENCH / "bases",
            target=target,
            tags=[stand_in(target)],
            session=self._session,
            progress="quiet",
            checks="none",
            step_timeout_seconds=STEP_SECONDS,
        )

    def _fixture(self, folder: Path, **options: object) -> tuple[str, tuple[Finding, ...]]:
        with tempfile.TemporaryDirectory(prefix="jettison-fixture-") as place:
            copy = Path(shutil.copytree(folder, Path(place) / folder.name, symlinks=True))
            tag, built = self._checked.build(copy, progress="quiet", **options)
        return tag, built.findings

    def _built(
        self, kind: str, name: str, folder: Path, dockerfile: Path, **options: object
    ) -> Image:
        tag = tag_of(name)
        request = BuildRequest(
            str(folder),
            dockerfile=str(dockerfile),
            tags=(tag,),
            checks="none",
            step_timeout_seconds=STEP_SECONDS,
            **options,  # type: ignore[arg-type]
        )
        try:
            jettison.build(request, session=self._session, progress="quiet")
            of_text = check(self._session, request).own
        except jettison.JettisonError as error:
            return Image(kind, name, missing=reason(error))
        has_others = crosses(dockerfile.read_text(), request.target)
        return Image(kind, name, (*of_text, *self._check(tag)), crosses=has_others)

    def _started(
        self, tag: str, findings: Sequence[Finding], probe: str = "3s", ends: str = ""
    ) -> Start:
        try:
            probed = probe_named(self._session, tag, parse_target(probe), findings)
        except jettison.JettisonError as error:
            return Start(reason(error), ok=False, ends=ends)
        return Start(probed.text, probed.ok, ends, probed.refuted)

    def _check(self, tag: str) -> tuple[Finding, ...]:
        return check_named(self._session, tag, self._ignored).findings


def rules_version() -> str:
    """Return the name of a rule that there is not, other for each state of the sources.

    What is found is kept by image; what is ignored is a part of the question.
    """
    package = Path(jettison.__file__).parent
    files = sorted((*package.glob("check/**/*.py"), *package.glob("analysis/**/*.py")))
    return f"of-{sha256(b''.join(each.read_bytes() for each in files)).hexdigest()[:12]}"


def tag_of(name: str) -> str:
    """Return an image's name for a build's."""
    return "checked-" + "".join(c if c.isalnum() else "-" for c in name.lower()).strip("-")


def stand_in(target: str) -> str:
    """Return the name of the image that is made of a target, or that `examples/bases` makes."""
    return target if ":" in target else tag_of(target)


def reason(error: Exception) -> str:
    """Return what an error says, in one line of limited length."""
    return " ".join(getattr(error, "message", str(error)).split())[:300]


# ------------------------------------------------------------------------------ command line


def parse_arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--sources",
        type=Path,
        default=os.environ.get("JETTISON_PUBLIC_SOURCES"),
        metavar="DIR",
        help="git repositories of the public projects (JETTISON_PUBLIC_SOURCES)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep each finding")
    parser.add_argument(
        "only", nargs="*", metavar="NAME", help="part of the names of images and defects"
    )
    return parser.parse_args(argv)


@contextmanager
def opened() -> Iterator[tuple[Session, Path]]:
    """Yield the store that the environment names, or one of these checks alone."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    root = Path(os.environ.get("JETTISON_ROOT") or cache / "jettison-checks/store")
    root.parent.mkdir(parents=True, exist_ok=True)
    settings = Settings(root=str(root), ca_bundle="host")
    with Session.open(settings, os.environ) as session:
        yield session, root


def main(argv: Sequence[str]) -> int:
    """Run the program; return its exit status."""
    arguments = parse_arguments(argv)
    manifest = read_manifest(arguments.sources)
    defects: list[Defect] = []
    images: list[Image] = []
    with opened() as (session, root):
        run = Run(session, root, arguments.only)
        started = time.monotonic()
        for defect in run.defects():
            defects.append(defect)
            tell(started, defect.name, "found" if defect.is_found else defect.trouble or "MISSED")
        parts = (
            run.bases(manifest.examples),
            run.examples(),
            run.fixtures(manifest.ends),
            run.projects(manifest, arguments.sources),
        )
        for part in parts:
            for image in part:
                images.append(image)
                false = [f"{e.rule} {e.detail}" for e in false_ones(image, manifest.right)]
                did = image.start.text if image.start else ""
                tell(started, image.name, image.missing or "; ".join([*false, did]) or "silent")
    if arguments.json:
        kept = {"defects": defects, "images": images}
        arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode(kept)))
    rules = [*(rule.name for rule in OWN_RULES), *(entry.id for entry in ENTRIES)]
    today = time.strftime("%Y-%m-%d")
    sys.stdout.write(page(defects, images, manifest.right, rules, today=today))
    return 1 if wrong_ones(defects, images, manifest.right) else 0


def tell(started: float, name: str, text: str) -> None:
    """Say how far it is."""
    sys.stderr.write(f"{time.monotonic() - started:6.0f} s  {name}: {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
