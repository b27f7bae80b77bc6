"""The public projects that checks must be silent on: which there are, and their files.

In:  ``images.toml``; a directory with git repositories, and a ``projects.toml`` about them.
Out: a build's context in a directory; which image stands for each that a Dockerfile is FROM;
     whether what ships comes from other stages.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from jettison.findings.finding import Finding
from jettison.frontend.dockerfile.parser import parse
from jettison.frontend.dockerfile.syntax import Arg, Copy, From, Run

_FROM = re.compile(r"(?:^|,)from=([^,]+)")
_HERE = Path(__file__).parent
_VARIABLE = re.compile(r"\$\{?(\w+)\}?")


class NotHadError(Exception):
    """A project, or a base image of it, that is not to be had here; the message says why."""


class Build(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A build of a project.

    Args:
        repository: ``owner/name``.
        folder: Of the Dockerfile, and the context.
        dockerfile: Path in the folder.
        paths: What of the folder is needed; empty for all of it.
        target: Stage.
        args: Of the build.
        bases: Goes before the manifest's.
        probe: What is wanted of a start, as ``--probe`` takes it.
        ends: Why a start ends by itself, without a network and arguments; empty if it must not.
        missing: Why it cannot be built with stand-ins; then nobody tries.
    """

    repository: str
    folder: str
    dockerfile: str = "Dockerfile"
    paths: tuple[str, ...] = ()
    target: str = ""
    args: Mapping[str, str] = {}
    bases: Mapping[str, str] = {}
    probe: str = "3s"
    ends: str = ""
    missing: str = ""

    @property
    def name(self) -> str:
        """Name for people: the repository, and where in it the Dockerfile is."""
        path = Path(self.folder) / self.dockerfile
        if path.name == "Dockerfile":
            path = path.parent
        return self.repository if str(path) == "." else f"{self.repository}: {path}"


class Right(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Findings about good images that were looked at and are right.

    Args:
        rule: That finds it.
        why: It is right.
        image: Pattern of images' names.
        path: Pattern of the file.
    """

    rule: str
    why: str
    image: str = "*"
    path: str = "*"

    def fits(self, image: str, finding: Finding) -> bool:
        """Return whether a finding is one of these."""
        return (
            finding.rule == self.rule
            and fnmatchcase(image, self.image)
            and fnmatchcase(finding.path, self.path)
        )


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``images.toml``, or ``projects.toml``.

    Args:
        examples: Stand-ins of ``examples/bases``, which are checked themselves.
        bases: Pattern of an image's name to what stands in for it.
        commits: Of repositories.
        build: Builds.
        right: Findings that are right.
        ends: Good image of the tests to why a start of it ends by itself.
    """

    examples: tuple[str, ...] = ()
    bases: Mapping[str, str] = {}
    commits: Mapping[str, str] = {}
    build: tuple[Build, ...] = ()
    right: tuple[Right, ...] = ()
    ends: Mapping[str, str] = {}


def read_manifest(sources: Path | None) -> Manifest:
    """Return what is known of images, with the projects of a directory.

    Args:
        sources: The directory; None without projects.
    """
    own = msgspec.toml.decode((_HERE / "images.toml").read_bytes(), type=Manifest)
    place = sources / "projects.toml" if sources is not None else None
    if place is None or not place.is_file():
        return own
    others = msgspec.toml.decode(place.read_bytes(), type=Manifest)
    return msgspec.structs.replace(
        own,
        bases={**others.bases, **own.bases},
        commits=others.commits,
        build=others.build,
        right=(*own.right, *others.right),
    )


def checked_out(manifest: Manifest, build: Build, sources: Path | None, place: Path) -> None:
    """Put a build's files into a directory, at their paths in the repository.

    Raises:
        NotHadError: there are no sources, or not these.
    """
    if sources is None:
        raise NotHadError("no sources of public projects were given")
    owner, _, name = build.repository.partition("/")
    places = (sources / f"{owner}+{name}/repo", sources / owner / name)
    repository = next((each for each in places if each.is_dir()), None)
    if repository is None:
        raise NotHadError(f"{build.repository} is not in {sources}")
    wanted = build.paths or ((build.folder,) if build.folder != "." else ())
    commit = manifest.commits[build.repository]
    packed = subprocess.run(
        [
            "git",
            "-C",
            repository,
            "-c",
            "tar.umask=0022",
            "archive",
            "--format=tar",
            commit,
            *wanted,
        ],
        capture_output=True,
        check=False,
    )
    if packed.returncode:
        raise NotHadError(f"{build.repository} at {commit[:12]}: {packed.stderr.decode().strip()}")
    subprocess.run(["tar", "-x", "-C", place], input=packed.stdout, check=True)


def stand_ins(manifest: Manifest, build: Build, dockerfile: str) -> dict[str, str]:
    """Return what stands in for each image that a Dockerfile names.

    Raises:
        NotHadError: nothing does.
    """
    patterns = {**build.bases, **manifest.bases}
    found = {}
    for image in _images(dockerfile, build.args):
        known = image.partition("@")[0]
        fits = (target for pattern, target in patterns.items() if fnmatchcase(known, pattern))
        target = next(fits, None)
        if target is not None:
            found[image] = target
    return found


class _Stage(msgspec.Struct):
    """A stage: what it is FROM, and whether it has files of an earlier one."""

    base: str
    has_others: bool = False


def crosses(dockerfile: str, target: str = "") -> bool:
    """Return whether a stage, by default the last, or one that it is FROM has files of others.

    An image that is no stage does not count.
    """
    stages: dict[str, _Stage] = {}
    stage = _Stage("")
    for each in parse(dockerfile.encode()).instructions:
        if isinstance(each, From):
            stage = _Stage(each.image.lower())
            stages[each.stage_name or str(len(stages))] = stage
        elif isinstance(each, Copy):
            stage.has_others |= _is_stage(each.from_name, stages)
        elif isinstance(each, Run):
            sources = (_FROM.search(mount) for mount in each.mounts)
            stage.has_others |= any(_is_stage(found[1], stages) for found in sources if found)
    wanted: _Stage | None = stages[target.lower()] if target else stage
    while wanted is not None and not wanted.has_others:
        wanted = stages.get(wanted.base)
    return wanted is not None


def _is_stage(name: str, stages: Mapping[str, _Stage]) -> bool:
    return name.lower() in stages or (name.isdigit() and int(name) < len(stages))


def _images(dockerfile: str, args: Mapping[str, str]) -> Iterator[str]:
    """Yield the images that stages are FROM; variables are those before the first FROM."""
    stages = {"scratch"}
    variables: dict[str, str] = {}
    for each in parse(dockerfile.encode()).instructions:
        if isinstance(each, Arg) and len(stages) == 1:
            for item in each.items:
                variables[item.key] = args.get(item.key, item.value or "")
        elif isinstance(each, From):
            image = _VARIABLE.sub(lambda found: variables.get(found[1], ""), each.image)
            if image.lower() not in stages:
                yield image
            stages.add(each.stage_name)
