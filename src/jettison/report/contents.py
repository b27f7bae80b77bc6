"""What a report says about the files of an image: surface, waste, packages, the tree.

In:  nothing.
Out: parts of ``report.model.Report``; what is said there about numbers and lists holds here.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Surface(msgspec.Struct, frozen=True):
    """What an intruder finds in a root file system, as counts.

    Args:
        stage: Name of the stage.
        packages: Kind (``deb``, ``apk``, ``python`` …) to how many are installed.
        executables: Programs in directories for programs; several names of one file count once.
        shells, compilers, package_managers, debuggers, network_clients, interpreters: Of these.
        setuid: Executables with the set-user-ID or set-group-ID bit.
        capabilities: Files with capabilities.
        world_writable: Files that all may write, and such directories without the sticky bit.
        paths: Kind (the names of the fields above) to paths, sorted, the first few.
        unread: Package databases that were not read, or not to their end: ``packages`` lacks what
            they have.
    """

    stage: str
    packages: Mapping[str, int] = {}
    executables: int = 0
    shells: int = 0
    compilers: int = 0
    package_managers: int = 0
    debuggers: int = 0
    network_clients: int = 0
    interpreters: int = 0
    setuid: int = 0
    capabilities: int = 0
    world_writable: int = 0
    paths: Mapping[str, tuple[str, ...]] = {}
    unread: tuple[str, ...] = ()


class SurfaceChange(msgspec.Struct, frozen=True):
    """The surface of the stage that most of the image was built in, and of the image.

    Args:
        before: None where there is one stage only.
        after: Of the image.
        removed: Kind to paths of ``before`` that ``after`` has not, the first few.
    """

    after: Surface
    before: Surface | None = None
    removed: Mapping[str, tuple[str, ...]] = {}


class Waste(msgspec.Struct, frozen=True):
    """Bytes that are shipped and cannot be seen.

    Args:
        path: The file, or the directory that all of it is below.
        bytes: Hidden bytes.
        files: How many files.
        introduced: Id of the step that shipped them, or ``base image``.
        introduced_line: Its line; 0 for a base image.
        hidden_by: Id of the step that hides them.
        hidden_by_line: Its line.
        cause: ``rewrite``, ``metadata`` (only mode or owner is another), ``delete``, ``move``.
    """

    path: str
    bytes: int
    files: int
    introduced: str
    introduced_line: int
    hidden_by: str
    hidden_by_line: int
    cause: str


class Duplicate(msgspec.Struct, frozen=True):
    """Files of the image with equal content.

    Args:
        digest: Of the content.
        bytes: Size of one.
        count: How many there are.
        paths: The first few, sorted.
    """

    digest: str
    bytes: int
    count: int
    paths: tuple[str, ...]


class CacheLeft(msgspec.Struct, frozen=True):
    """A cache of a package manager that is in the image."""

    manager: str
    path: str
    bytes: int
    files: int


class Package(msgspec.Struct, frozen=True, order=True):
    """A package that is installed in the image, or was before.

    Args:
        kind: ``deb``, ``apk``, ``rpm``, ``python``, ``npm``, ``gem``, ``go``, ``java`` …
        bytes: Of its files, where its database names them.
        files: How many.
        before: Whether the stage of ``surface.before`` has it.
        after: Whether the image has it.
    """

    kind: str
    name: str
    version: str
    bytes: int = 0
    files: int = 0
    before: bool = False
    after: bool = True


class Directory(msgspec.Struct, frozen=True):
    """A directory of the image and what is below it."""

    path: str
    bytes: int
    files: int


class Origin(msgspec.Struct, frozen=True):
    """Who made files of the image.

    Args:
        label: Name of the stage, or of the base image.
        stage: Index of the stage that made them, or whose base image has them.
        base: Whether they are a base image's.
        bytes: How much of the image.
        files: How many entries of the image that are no directories.
    """

    label: str
    stage: int
    base: bool
    bytes: int
    files: int


class Node(msgspec.Struct, frozen=True):
    """A directory or file of the image; small ones of a directory are one node.

    Args:
        name: Last part of its path; of small ones ``… N files``. The root's is empty.
        kind: ``dir``, ``file``, ``link`` or ``more`` (small ones that are not shown one by one).
        bytes: With all below.
        files: With all below; 1 for a file.
        origin: Index in ``Report.origins`` of who made it; of most bytes for a directory.
        line: Of the Dockerfile, that put it into the image; 0 for a base image, ``dir``, ``more``.
        children: The largest first.
    """

    name: str
    kind: str
    bytes: int
    files: int
    origin: int
    line: int = 0
    children: tuple[Node, ...] = ()
