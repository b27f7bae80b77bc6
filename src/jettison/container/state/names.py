"""IDs and names of containers.

In:  randomness; names as people write them.
Out: 64 digits, two words, or an error.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Container

from jettison.errors import UsageError

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_KINDS = (
    "amber brave bright calm clever copper crisp eager fair gentle golden happy hidden humble "
    "jolly keen kind lively lucid merry mild nimble patient proud quick quiet rapid silent silver "
    "steady sunny swift tidy vivid warm wise"
)
_THINGS = (
    "acorn anchor badger beacon birch bridge canyon cedar comet coral crane delta ember falcon "
    "fern fjord glacier harbor heron island kestrel lagoon lantern lark maple meadow otter pebble "
    "pine quartz raven reef river sparrow summit walnut"
)


def new_id() -> str:
    """Return an ID that no other container has: as docker, not a number only in its short form."""
    while True:
        found = os.urandom(32).hex()
        if not found[:12].isdigit():
            return found


def random_name(taken: Container[str]) -> str:
    """Return a name of two words that nobody has."""
    while True:
        name = f"{secrets.choice(_KINDS.split())}_{secrets.choice(_THINGS.split())}"
        if name not in taken:
            return name
        name = f"{name}{secrets.randbelow(10)}"
        if name not in taken:
            return name


def checked_name(text: str) -> str:
    """Return a name that somebody chose.

    Raises:
        UsageError: it can be none.
    """
    name = text.removeprefix("/")
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"Invalid container name ({text}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
        )
    return name
