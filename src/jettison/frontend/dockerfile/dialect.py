"""The frontend that a file asks for: ``# syntax=IMAGE`` and its other forms.

In:  bytes of a file, build arguments.
Out: the name of a frontend, empty without; what is to be said about it.

Source: BuildKit's detection: a first line ``#!…`` is skipped; then come lines of directives, with
``#`` or with ``//``, or the file is a JSON object that has the key ``syntax``. What follows a
blank is not part of the name. The build argument ``BUILDKIT_SYNTAX`` counts instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from jettison.frontend.dockerfile.reference import DOCKERFILE_VERSION

_OVERRIDE = "BUILDKIT_SYNTAX"
_DIRECTIVE = rb"\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(\S.*?)\s*"
_OURS = r"dockerfile\.v0|(?:docker\.io/)?(?:docker|moby)/dockerfile(?:-upstream)?(?:[:@].*)?"
_VERSION = r"[^:@]*:([0-9]{1,6})(?:\.([0-9]{1,6}))?(?:[.-][^@]*)?(?:@.*)?"
_BOM = b"\xef\xbb\xbf"


class _Json(msgspec.Struct):
    syntax: str = ""


def asked_frontend(text: bytes, build_args: Mapping[str, str]) -> str:
    r"""Return the frontend that a file asks for; empty if it asks for none.

    >>> asked_frontend(b"# syntax=docker/dockerfile:1 --x\nFROM a\n", {})
    'docker/dockerfile:1'
    >>> asked_frontend(b"#!/usr/bin/env x\n// syntax = a/b\n", {})
    'a/b'
    >>> asked_frontend(b'{"syntax": "a/b", "more": [1]}', {})
    'a/b'
    """
    found = build_args.get(_OVERRIDE) or _written(text)
    return found.split()[0] if found.split() else ""


def is_ours(frontend: str) -> bool:
    """Tell whether a frontend's language is the one that is spoken here.

    >>> is_ours(""), is_ours("docker.io/docker/dockerfile:1.7-labs"), is_ours("me/mine")
    (True, True, False)
    """
    return not frontend or re.fullmatch(_OURS, frontend) is not None


def note_on(text: bytes, build_args: Mapping[str, str]) -> str:
    """Return what is to be said about the frontend that a file asks for; empty for nothing."""
    frontend = asked_frontend(text, build_args)
    if not is_ours(frontend):
        return f"frontend `{frontend}` is not used: this is read as docker's"
    if is_newer(frontend):
        return f"`{frontend}` is newer than Dockerfile {DOCKERFILE_VERSION}, which is spoken here"
    return ""


def is_newer(frontend: str) -> bool:
    """Tell whether one of docker's frontends is of a later version than the one spoken here.

    >>> is_newer("docker/dockerfile:2.0-labs"), is_newer("docker/dockerfile:1"), is_newer("")
    (True, False, False)
    """
    match = re.fullmatch(_VERSION, frontend)
    if match is None:
        return False
    spoken = [int(part) for part in DOCKERFILE_VERSION.split(".")]
    return [int(match[1]), int(match[2] or 0)] > spoken


def _written(text: bytes) -> str:
    text = text.removeprefix(_BOM)
    if text.startswith(b"#!"):
        text = text.partition(b"\n")[2]
    for mark in (b"#", b"//"):
        found = _directive(text, mark)
        if found:
            return found
    if text.lstrip().startswith(b"{"):
        try:
            return msgspec.json.decode(text, type=_Json).syntax
        except (msgspec.DecodeError, RecursionError):
            return ""
    return ""


def _directive(text: bytes, mark: bytes) -> str:
    """Return the value of ``syntax`` among the directives at the head of a text."""
    position = 0
    while position < len(text):
        end = text.find(b"\n", position)
        end = len(text) if end < 0 else end
        line = text[position:end].strip()
        position = end + 1
        match = re.fullmatch(_DIRECTIVE, line[len(mark) :]) if line.startswith(mark) else None
        if match is None:
            return ""
        if match[1].lower() == b"syntax":
            return match[2].decode(errors="replace")
    return ""
