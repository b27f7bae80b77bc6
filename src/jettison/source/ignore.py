"""Ignore files: which files of a directory are not part of a build context.

In:  ``.dockerignore``, or ``<Dockerfile>.dockerignore`` beside the Dockerfile, which counts first.
Out: ``IgnoreFile`` with the patterns as a matcher.

Source: docker's documentation of build contexts, ".dockerignore files".
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from jettison.errors import ContextError
from jettison.fs.glob import PatternError, clean_path
from jettison.fs.pattern import PatternMatcher
from jettison.fs.regular import read_small

DEFAULT_NAME = ".dockerignore"
MAX_FILE_BYTES = 8 << 20
_BOM = b"\xef\xbb\xbf"


class IgnoreFile(msgspec.Struct, frozen=True):
    """The patterns that count for a context, and their lines; no file has an empty ``name``."""

    name: str
    patterns: tuple[str, ...] = ()
    lines: tuple[int, ...] = ()

    def matcher(self) -> PatternMatcher | None:
        """Return the matcher, None when nothing is ignored.

        Raises:
            ContextError: a pattern is malformed.
        """
        if not self.patterns:
            return None
        try:
            return PatternMatcher(self.patterns)
        except PatternError as error:
            raise ContextError(
                f"`{self.name}{self._place()}`: {error}", hint="correct or remove the pattern"
            ) from error

    def _place(self) -> str:
        """Return ``:LINE`` of the first malformed pattern, empty when lines are not known."""
        for pattern, line in zip(self.patterns, self.lines, strict=False):
            try:
                PatternMatcher((pattern,))
            except PatternError:
                return f":{line}"
        return ""


def parse_ignore_file(data: bytes) -> list[tuple[int, str]]:
    r"""Return the patterns of an ignore file, cleaned, in order, with their lines.

    >>> parse_ignore_file(b"# x\n/a/\n! /b\n\n ./c/../d \n")
    [(2, 'a'), (3, '!b'), (5, 'd')]
    """
    patterns: list[tuple[int, str]] = []
    text = data.removeprefix(_BOM).decode("utf-8", "surrogateescape")
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("#"):
            continue
        pattern = line.strip()
        if not pattern:
            continue
        negated = pattern.startswith("!")
        if negated:
            pattern = pattern[1:].strip()
        if pattern:
            pattern = clean_path(pattern)
            if len(pattern) > 1 and pattern.startswith("/"):
                pattern = pattern[1:]
        patterns.append((number, "!" + pattern if negated else pattern))
    return patterns


def find_ignore_file(root: Path, dockerfile: Path | None) -> IgnoreFile:
    """Return the ignore file that counts for a context.

    Args:
        root: The context.
        dockerfile: The Dockerfile, wherever it is; None when it is no file.

    Raises:
        ContextError: it is a pipe or a device, too large, cannot be read, or is a link out of
            the context.
    """
    candidates: list[Path] = []
    if dockerfile is not None:
        candidates.append(dockerfile.with_name(dockerfile.name + DEFAULT_NAME))
    candidates.append(root / DEFAULT_NAME)
    for path in candidates:
        try:
            data = read_small(path, MAX_FILE_BYTES)
        except OSError as error:
            reason = error.strerror or str(error)
            reason = reason[:1].lower() + reason[1:]
            raise ContextError(f"cannot read `{path}`: {reason}") from error
        if data is None:
            continue
        _check_inside(path, root)
        found = parse_ignore_file(data)
        return IgnoreFile(
            path.name, tuple(text for _, text in found), tuple(line for line, _ in found)
        )
    return IgnoreFile("")


def _check_inside(path: Path, root: Path) -> None:
    """Refuse a file of the context that is a link to one elsewhere: others may write contexts.

    BuildKit finds no file there, and takes what should be ignored.
    """
    top = os.path.realpath(root)
    is_of_context = os.path.commonpath((top, os.path.realpath(path.parent))) == top
    if is_of_context and os.path.commonpath((top, os.path.realpath(path))) != top:
        raise ContextError(
            f"`{path}` is a link out of the build context",
            hint="put a copy of the file into the context",
        )
