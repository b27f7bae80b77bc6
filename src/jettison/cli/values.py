"""Values of flags: sizes, pairs, outputs, secrets.

In:  texts as written on a command line.
Out: values of a request; ``UsageError`` says which flag and how it is written.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping

from jettison.api.request import OutputRequest, SecretRequest
from jettison.errors import UsageError

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?", re.IGNORECASE)


def read_stdin(context: str, dockerfile: str) -> bytes:
    """Return the bytes of standard input if the context or the Dockerfile is ``-``.

    Raises:
        UsageError: both are.
    """
    if "-" not in (context, dockerfile):
        return b""
    if context == dockerfile:
        raise UsageError("standard input cannot be both the context and the Dockerfile")
    return sys.stdin.buffer.read()


def build_arguments(given: Iterable[str]) -> dict[str, str]:
    """Return build arguments by name; a bare name takes its value from the environment."""
    found = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not name:
            raise UsageError(f"--build-arg `{each}` has no name", hint="write NAME=VALUE")
        if equals:
            found[name] = value
        elif name in os.environ:
            found[name] = os.environ[name]
    return found


def pairs(flag: str, given: Iterable[str], *, need_value: bool = True) -> dict[str, str]:
    """Return NAME=VALUE texts by name."""
    found = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not name or (need_value and not (equals and value)):
            raise UsageError(f"{flag} `{each}` is malformed", hint="write NAME=VALUE")
        found[name] = value
    return found


def parse_output(text: str) -> OutputRequest:
    """Return an output; a bare path is a directory, ``-`` a tar on standard output."""
    if text == "-":
        return OutputRequest(type="tar", dest="-")
    if "=" not in text:
        return OutputRequest(type="local", dest=text)
    options = fields("--output", text)
    kind = options.pop("type", "")
    if not kind:
        raise UsageError(f"--output `{text}` has no type", hint="write type=oci,dest=FILE")
    return OutputRequest(type=kind, dest=options.pop("dest", ""), options=options)


def parse_secret(text: str) -> SecretRequest:
    """Return a secret of ``id=ID[,src=FILE|env=NAME]``."""
    options = fields("--secret", text) if "=" in text else {"id": text}
    kind = options.pop("type", "")
    source = options.pop("src", "") or options.pop("source", "")
    env = options.pop("env", "")
    name = options.pop("id", "") or os.path.basename(source)
    if options or not name or kind not in {"", "file", "env"}:
        raise UsageError(
            f"--secret `{text}` is malformed", hint="write id=ID,src=FILE or id=ID,env=NAME"
        )
    if kind == "env" and not env:
        source, env = "", source or name
    return SecretRequest(id=name, source=source, env=env)


def fields(flag: str, text: str) -> dict[str, str]:
    """Return the fields of ``key=value,key=value``; values may be quoted as in CSV."""
    import csv  # noqa: PLC0415

    found = {}
    for each in next(csv.reader([text]), []):
        key, equals, value = each.partition("=")
        if not equals:
            raise UsageError(f"{flag} `{text}`: `{each}` must be a key=value pair")
        found[key.strip().lower()] = value
    return found


def parse_size(flag: str, text: str) -> int:
    """Return bytes of a size such as ``64m``; 0 for an empty one."""
    if not text:
        return 0
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"{flag} `{text}` is not a size", hint="write a number with b, k, m or g")
    return int(float(match[1]) * 1024 ** " kmgt".index(match[2].lower().replace("b", "") or " "))


def texts(flags: Mapping[str, object], name: str) -> tuple[str, ...]:
    """Return the values of a flag that may be given several times."""
    value = flags[name]
    return tuple(str(each) for each in value) if isinstance(value, tuple) else ()
