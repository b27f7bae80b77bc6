"""The report of a build as one frozen value.

In:  nothing.
Out: ``Report``. Its JSON is what ``--report json`` writes; the names of fields are its stable keys.

Bytes are integers: of regular files, hard links once, unless said otherwise. Seconds are floats.
Lists are in a fixed order and nothing says when a build ran, so that equal builds give equal
reports but for seconds. What is not known is null; zero means none.
"""

from __future__ import annotations

import msgspec

from jettison.report.contents import (
    CacheLeft,
    Directory,
    Duplicate,
    Node,
    Origin,
    Package,
    SurfaceChange,
    Waste,
)
from jettison.report.verdict import Baseline, Budget, Finding

SCHEMA = "report/v1"
"""Changes when a key is removed or means something else; new keys leave it."""

BASE = "base"
"""Kind of an origin: files of a base image, which no step of the build made."""


class Why(msgspec.Struct, frozen=True):
    """Why a step ran.

    Args:
        cause: The kind of cause, such as ``file-content``.
        text: The cause in one line.
        root: Id of the step with the cause; another one than this where that step changed.
        files: Paths concerned, the first few.
        fix: What would avoid it; empty if there is nothing.
    """

    cause: str
    text: str
    root: str = ""
    files: tuple[str, ...] = ()
    fix: str = ""


class Step(msgspec.Struct, frozen=True):
    """A step of a stage.

    Args:
        id: Stage and number, as in ``builder/3``.
        line: First line in the Dockerfile, from 1; 0 if it is not there.
        instruction: As users see it: ``RUN go build -o main .``.
        cached: Whether it was found in the cache.
        why: Why it ran; None where it did not, or where nobody knows.
        bytes: What its layer holds; 0 for a step without a layer.
        files: How many entries its layer has.
        seconds: How long it took, now or when it last ran; None if unknown.
    """

    id: str
    line: int
    instruction: str
    cached: bool
    why: Why | None = None
    bytes: int = 0
    files: int = 0
    seconds: float | None = None


class BaseImage(msgspec.Struct, frozen=True):
    """What a FROM names.

    Args:
        ref: As written: an image, a stage, or ``scratch``.
        stage: Index of the stage that it names; None for an image.
        bytes: Visible bytes of its root file system.
        files: Entries of its root file system that are no directories.
    """

    ref: str
    stage: int | None = None
    bytes: int = 0
    files: int = 0


class Stage(msgspec.Struct, frozen=True):
    """A stage. ``reached + left == added`` holds for each that was built.

    Args:
        index: From 0, in the order of the file.
        name: Its name, or its index as text.
        base: What it began with.
        used: Whether the target needed it; nothing else is known of one that it did not.
        final: Whether it is the target.
        bytes: Visible bytes of its root file system at its end, base included.
        files: Entries of its root file system that are no directories.
        added: Bytes visible at its end that its own steps put there, by RUN or by copying.
        reached: Those of ``added`` that files of the image came from, whatever way.
        left: Those of ``added`` that none came from.
        produced: Bytes of the image that come from here and no stage before: the sum over stages
            and base images is ``Image.visible``.
        reached_base: Bytes of its base image that are in the image.
        via: Names of stages through which some of ``produced`` came.
        seconds: Sum over its steps, now or when they last ran; None if unknown.
        steps: In order.
    """

    index: int
    name: str
    base: BaseImage
    used: bool
    final: bool
    bytes: int = 0
    files: int = 0
    added: int = 0
    reached: int = 0
    left: int = 0
    produced: int = 0
    reached_base: int = 0
    via: tuple[str, ...] = ()
    seconds: float | None = None
    steps: tuple[Step, ...] = ()


class Crossing(msgspec.Struct, frozen=True, rename={"source": "from", "target": "to"}):
    """What one line copied from one stage to another.

    Args:
        source: Name of the stage or image that was copied from.
        target: Name of the stage that was copied to.
        src: Paths in the source as written, separated by spaces.
        dst: Path in the target.
        bytes: Of what was copied.
        files: Entries that are no directories.
        line: In the Dockerfile.
        in_image: Whether anything of it is in the image.
    """

    source: str
    target: str
    src: str
    dst: str
    bytes: int
    files: int
    line: int
    in_image: bool = True


class LeftBehind(msgspec.Struct, frozen=True):
    """A part of what stages had and the image has not.

    Args:
        stage: Name of the stage.
        what: ``base image``, or a directory or a cache by its usual name.
        bytes: Its size.
    """

    stage: str
    what: str
    bytes: int


class Counterfactual(msgspec.Struct, frozen=True):
    """The image that would be shipped without stages.

    Args:
        method: ``computed`` or ``measured``.
        rule: The assumption, in words.
        primary: Name of the stage that would be shipped.
        bytes: Its size.
        saving: Share of it that the image does not have, 0 to 1.
    """

    method: str
    rule: str
    primary: str
    bytes: int
    saving: float


class Layer(msgspec.Struct, frozen=True):
    """A layer of the image.

    Args:
        diff_id: Digest of its uncompressed tar; empty where it was not packed.
        step: Id of the step that made it; empty for one of a base image.
        stage: Name of that step's stage.
        line: Of that step; 0 for one of a base image.
        instruction: Of that step, or what the history of the base image says.
        base: Whether it came with the base image.
        bytes: What it holds.
        visible: How much of that can be seen in the image.
        files: Entries that it holds.
        compressed: Size of its blob; None where it was not packed.
        cached: Whether its step was found in the cache.
        seconds: How long its step took, now or when it last ran; None if unknown.
    """

    diff_id: str
    step: str
    stage: str
    line: int
    instruction: str
    base: bool
    bytes: int
    visible: int
    files: int
    compressed: int | None = None
    cached: bool = False
    seconds: float | None = None


class Image(msgspec.Struct, frozen=True):
    """The image as a whole.

    Args:
        ref: Its first tag, or empty.
        id: Digest of its config.
        digest: Of its manifest; empty where none was made.
        platform: ``linux/amd64``.
        user: Who its program runs as, as written; empty is root.
        shipped: Bytes of regular files in all layers.
        compressed: Bytes of the blobs of all layers; None where one was not packed.
        pull_new: Those of ``compressed`` that a machine with the base image has to fetch.
        visible: Bytes of the merged root file system.
        files: Its entries that are no directories.
        wasted: ``shipped - visible``.
        efficiency: ``visible / shipped``, 1 for an empty image.
        layers: Base first.
    """

    ref: str
    id: str
    digest: str
    platform: str
    user: str
    shipped: int
    compressed: int | None
    pull_new: int | None
    visible: int
    files: int
    wasted: int
    efficiency: float
    layers: tuple[Layer, ...] = ()


class Cache(msgspec.Struct, frozen=True):
    """What the cache gave.

    Args:
        steps: How many steps the build had.
        hits: How many were found.
        saved_seconds: What these took when they ran, as far as it is known.
        skipped: Names of stages that the target did not need.
    """

    steps: int
    hits: int
    saved_seconds: float
    skipped: tuple[str, ...] = ()


class Dockerfile(msgspec.Struct, frozen=True):
    """The source: its name as in messages, and its text with credentials left out."""

    name: str
    text: str


class Report(msgspec.Struct, frozen=True, rename={"version": "jettison"}):
    """All that is known of a build.

    Args:
        version: Of the builder that wrote it; ``jettison`` in JSON.
        seconds: Wall time of the build; None in a report that was made later.
        left_behind: The largest first.
        directories: Of the image, the largest first, the first few.
        tree: The image's root directory; None where it is not known.
        baseline: The last build of the same tag, or what was named; None without one.
    """

    image: Image
    stages: tuple[Stage, ...]
    cache: Cache
    version: str = ""
    schema: str = SCHEMA
    seconds: float | None = None
    crossings: tuple[Crossing, ...] = ()
    left_behind: tuple[LeftBehind, ...] = ()
    counterfactual: Counterfactual | None = None
    surface: SurfaceChange | None = None
    waste: tuple[Waste, ...] = ()
    duplicates: tuple[Duplicate, ...] = ()
    caches_left: tuple[CacheLeft, ...] = ()
    packages: tuple[Package, ...] = ()
    directories: tuple[Directory, ...] = ()
    origins: tuple[Origin, ...] = ()
    tree: Node | None = None
    findings: tuple[Finding, ...] = ()
    budget: Budget = Budget(ok=True)
    baseline: Baseline | None = None
    dockerfile: Dockerfile | None = None
