"""Where kaniko's ``--context`` and ``--dockerfile`` are.

In:  the values of ``--context``, ``--context-sub-path``, ``--git``, ``--dockerfile``.
Out: what ``BuildRequest`` calls context and Dockerfile, and bytes for standard input.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from jettison.errors import ContextError, UsageError
from jettison.plan.gitref import is_git_reference

DEFAULT = "/workspace"
_BUCKETS = ("gs://", "s3://")
_BLOBS = (".blob.core.",)


class Place(msgspec.Struct, frozen=True):
    """A context as ``BuildRequest`` has it."""

    context: str
    dockerfile: str = ""
    stdin: bytes = b""


def find(context: str, sub_path: str, git: Sequence[str], dockerfile: str) -> Place:
    """Return what is to be built.

    Raises:
        UsageError: the context is of a kind that cannot be had, or the flags contradict each other.
        ContextError: an archive cannot be read.
    """
    context = context or DEFAULT
    if context.startswith(_BUCKETS) or any(each in context for each in _BLOBS):
        raise UsageError(
            f"--context `{context}`: contexts are not fetched from buckets",
            hint="fetch it in a step before, and give `--context=tar://FILE`",
        )
    if context.startswith("tar://"):
        if sub_path:
            raise UsageError("--context-sub-path is not for a tar", hint="pack that directory only")
        return Place("-", dockerfile, _archive(context.removeprefix("tar://")))
    if context.startswith("git://") or is_git_reference(context):
        return Place(_repository(context, sub_path, git), dockerfile)
    if context.startswith(("http://", "https://")):
        return Place(context, dockerfile)
    directory = os.path.join(context.removeprefix("dir://"), sub_path.lstrip("/"))
    return Place(directory, dockerfile or "Dockerfile")


def _archive(path: str) -> bytes:
    if path == "stdin":
        return sys.stdin.buffer.read()
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ContextError(f"cannot read the context `{path}`: {error.strerror}") from error


def _repository(context: str, sub_path: str, git: Sequence[str]) -> str:
    """Return a repository as docker writes it: ``https://HOST/PATH.git#REF:DIRECTORY``.

    kaniko fetches ``git://`` by https, and has a commit behind a second ``#``.
    """
    base, *refs = context.split("#")
    if base.startswith("git://"):
        base = "https://" + base.removeprefix("git://")
    if base.startswith("https://") and not base.endswith(".git"):
        base += ".git"
    branches = [each.partition("=")[2] for each in git if each.startswith("branch=")]
    for each in git:
        if "=" not in each:
            raise UsageError(f"--git `{each}` is malformed", hint="write `branch=NAME`")
    ref = refs[-1] if refs else (branches[-1] if branches else "")
    directory = sub_path.strip("/")
    return f"{base}#{ref}:{directory}" if ref or directory else base
