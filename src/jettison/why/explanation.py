"""What is said of a build: each step that ran, and the one cause at its root.

In:  nothing; ``why.explain`` makes these values.
Out: frozen values, whose JSON is stable: times are nanoseconds, files are paths in their context or
     image, ``cause`` is one of ``CAUSES``.
"""

from __future__ import annotations

import msgspec

SCHEMA = "why/v1"

CAUSES = {
    "first-build": "nothing is known of an earlier build",
    "platform": "the platform is another",
    "key-format": "an earlier version of Jettison made other cache keys",
    "no-cache": "the cache was not to be used",
    "pruned": "the result was known, and is not in the cache any more",
    "target": "the earlier build did not need the stage",
    "stage-added": "the stage is new",
    "instruction-added": "an instruction is new",
    "instruction-changed": "an instruction was changed",
    "instruction-moved": "an instruction stands at another place",
    "instruction-removed": "an instruction is gone",
    "argument": "a build argument has another value",
    "environment": "a variable has another value",
    "mount": "a mount is another",
    "secret": "another secret is asked for",
    "ssh": "another SSH agent is asked for",
    "flag": "a flag of the build is another",
    "base-changed": "FROM names another image or stage",
    "base-moved": "the name of an image stands for another image",
    "ignore-file": "the ignore file leaves other files out",
    "file-content": "files have another content",
    "file-added": "files are new",
    "file-removed": "files are gone",
    "file-renamed": "files have another name",
    "file-type": "files are of another type",
    "link-target": "links lead elsewhere",
    "file-mode": "files have another mode, and nothing else",
    "file-owner": "files have another owner, and nothing else",
    "file-xattr": "files have other extended attributes, and nothing else",
    "file-time": "files of images have other times, and nothing else",
    "download": "a server gave another file",
    "git": "a git reference leads to another commit",
    "failed": "the step failed in the earlier build, which keeps nothing of it",
    "not-reached": "the earlier build ended before the step",
    "files": "files are others; which of them is not known",
    "unknown": "what changed is not known",
}
"""Every cause, and what it means."""


class FileChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file that is not what it was.

    Args:
        path: It; of a renamed one the new path.
        change: ``content``, ``added``, ``removed``, ``renamed``, ``mode``, ``owner``, ``xattr``,
            ``type``, ``target``, ``time``.
        before: What it was: a mode such as ``0644``, an owner such as ``0:0``, a path, a digest's
            first digits; empty where that says nothing.
        after: What it is, likewise.
        note: What else is known, such as the rule of an ignore file.
    """

    path: str
    change: str
    before: str = ""
    after: str = ""
    note: str = ""


class RootCause(msgspec.Struct, frozen=True):
    """A cause, and all steps that ran because of it.

    Args:
        cause: One of ``CAUSES``.
        text: It in a line.
        step: Digest of the vertex that it strikes first; empty if that is none of the plan.
        name: That vertex's name, such as ``[builder 3/7] COPY . .``.
        line: Line of the Dockerfile of what changed; 0 if it is not in there.
        subject: What changed: a variable, a reference, an instruction, a flag.
        before: What it was; empty if that is not known or is not to be shown.
        after: What it is.
        files: Those concerned, at most ``MAX_FILES``.
        file_count: How many there are.
        steps: Digests of the vertices that ran because of it, in plan order.
        cost_ns: How long these took together.
        fix: What would keep them cached next time; empty if there is nothing.
    """

    cause: str
    text: str
    step: str = ""
    name: str = ""
    line: int = 0
    subject: str = ""
    before: str = ""
    after: str = ""
    files: tuple[FileChange, ...] = ()
    file_count: int = 0
    steps: tuple[str, ...] = ()
    cost_ns: int = 0
    fix: str = ""


MAX_FILES = 100
"""Files of a cause that are listed."""


class StepReason(msgspec.Struct, frozen=True):
    """A step that ran, and why.

    Args:
        vertex: Digest of its definition.
        name: For people.
        line: Of its instruction; 0 is unknown.
        duration_ns: How long it took; 0 is unknown, as of one that failed.
        failed: Whether it has no result.
        root: Index into ``Explanation.roots``.
        direct: Whether the cause strikes the step itself, else what it builds on.
        also: Further causes that strike it, as indexes.
    """

    vertex: str
    name: str
    line: int
    duration_ns: int
    failed: bool
    root: int
    direct: bool
    also: tuple[int, ...] = ()


class SkippedTest(msgspec.Struct, frozen=True):
    """A step of a skipped stage that looks like tests."""

    line: int
    text: str


class SkippedStage(msgspec.Struct, frozen=True):
    """A stage that the target does not need, and the tests that did not run therefore."""

    name: str
    line: int
    tests: tuple[SkippedTest, ...] = ()


class Explanation(msgspec.Struct, frozen=True):
    """Why the steps of a build ran.

    Args:
        schema: Of the JSON.
        image: Id of the image; empty if the build failed.
        target: Stage that was built; empty for the last one.
        platform: Such as ``linux/amd64``.
        built_ns: When the build ended, since the epoch.
        compared_ns: When the build that it is compared with ended; 0 without one.
        cached: Steps that were found in the cache.
        roots: Causes, the dearest first.
        steps: Those that ran, in plan order.
        skipped: Stages that were not built.
    """

    image: str
    target: str
    platform: str
    built_ns: int
    compared_ns: int
    cached: int
    roots: tuple[RootCause, ...]
    steps: tuple[StepReason, ...]
    skipped: tuple[SkippedStage, ...] = ()
    schema: str = SCHEMA

    def root_of(self, vertex: str) -> RootCause | None:
        """Return the cause at the root of a step that ran, None for one that did not."""
        for step in self.steps:
            if step.vertex == vertex:
                return self.roots[step.root]
        return None
