"""Structs as JSON whose texts may be any bytes: arguments, variables and paths need not be UTF-8.

In:  structs of msgspec.
Out: ASCII; or a struct whose fields all have their types.
"""

from __future__ import annotations

import json
from typing import TypeVar

import msgspec

T = TypeVar("T")


def encode(value: object) -> bytes:
    r"""Return a struct as JSON; bytes that are no UTF-8 become ``\udc80`` to ``\udcff``."""
    return json.dumps(msgspec.to_builtins(value), separators=(",", ":")).encode("ascii")


def decode(data: bytes, kind: type[T]) -> T:
    """Return the struct that JSON is.

    Args:
        data: What ``encode`` returned.
        kind: A class, or a union of tagged ones.

    Raises:
        ValueError: it is none of the type.
    """
    try:
        return msgspec.convert(json.loads(data), kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise ValueError(str(error)) from error
