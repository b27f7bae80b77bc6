"""Values of flags: sizes, pairs, secrets.

In:  texts as written on a command line.
Out: values of a request; ``UsageError`` says which flag and how it is written.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterable, Mapping

import click

from jettison.api.request import SecretRequest
from jettison.errors import UsageError
from jettison.linux.resources import UNLIMITED


class Number(click.ParamType[float]):
    """A number that a limit can be; 0 is no limit.

    Args:
        name: What it counts.
        least: Of those above 0.
        most: The greatest.
    """

    def __init__(self, name: str, *, least: float = 0.0, most: float) -> None:
        self.name = name
        self._least = least
        self._most = most

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number; fail for one that is not finite, or out of bounds."""
        try:
            number = float(str(value))
        except ValueError:
            self.fail(f"`{value}` is not a number", param, ctx)
        if math.isnan(number):
            self.fail(f"`{value}` is not a number", param, ctx)
        if number and not self._least <= number <= self._most:
            self.fail(f"{value} is not between {self._least:g} and {self._most:g}", param, ctx)
        return number


PROCESSORS = Number("processors", least=0.01, most=1e6)
SECONDS = Number("seconds", most=1e9)

_ENTITLEMENTS = ("network.host", "security.insecure", "buildx.local.delete", "device")
_MOST_PIDS = 1 << 22


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
            require_text("--build-arg", f"{name}={found[name]}")
    return found


def require_text(flag: str, text: str) -> None:
    """See that a config or a Dockerfile can hold what a flag says.

    Raises:
        UsageError: there are bytes in it that are not UTF-8.
    """
    if text.isprintable():  # quick for nearly all
        return
    try:
        text.encode()
    except UnicodeEncodeError:
        shown = text.encode(errors="surrogateescape").decode(errors="replace")
        raise UsageError(f"`{flag}`: `{shown}` is not UTF-8") from None


def pairs(flag: str, given: Iterable[str], *, need_value: bool = True) -> dict[str, str]:
    """Return NAME=VALUE texts by name."""
    found = {}
    for each in given:
        name, equals, value = each.partition("=")
        require_text(flag, name)
        if not name or (need_value and not (equals and value)):
            raise UsageError(f"{flag} `{each}` is malformed", hint="write NAME=VALUE")
        found[name] = value
    return found


def parse_secret(text: str) -> SecretRequest:
    """Return a secret of ``id=ID[,src=FILE|env=NAME]``."""
    options = fields("--secret", text) if "=" in text else {"id": text}
    kind = options.pop("type", "")
    source = options.pop("src", "") or options.pop("source", "")
    env = options.pop("env", "")
    name = options.pop("id", "") or os.path.basename(source)
    require_text("--secret", name)
    if options or not name or kind not in {"", "file", "env"}:
        raise UsageError(
            f"--secret `{text}` is malformed", hint="write id=ID,src=FILE or id=ID,env=NAME"
        )
    if kind == "env" and not env:
        source, env = "", source or name
    return SecretRequest(id=name, source=source, env=env)


def fields(flag: str, text: str) -> dict[str, str]:
    """Return the fields of ``key=value,key=value``; values may be quoted as in CSV.

    Raises:
        UsageError: it is not one line of them.
    """
    import csv

    try:
        row = next(csv.reader([text]), [])
    except csv.Error as error:  # a line break outside of quotes, or too much
        reason = str(error).partition(" - ")[0]
        raise UsageError(f"{flag} `{text[:200]}` is malformed: {reason}") from None
    found = {}
    for each in row:
        key, equals, value = each.partition("=")
        if not equals:
            raise UsageError(f"{flag} `{text}`: `{each}` must be a key=value pair")
        found[key.strip().lower()] = value
    return found


def limits(given: tuple[str, ...]) -> tuple[str, ...]:
    """Return the values of ``--ulimit`` as they are.

    Raises:
        UsageError: one is malformed.
    """
    if given:
        from jettison.linux.rlimits import parse_limit  # rarely needed

        for each in given:
            parse_limit(each)
    return given


def extra_hosts(given: tuple[str, ...]) -> tuple[str, ...]:
    """Return the values of ``--add-host`` as they are.

    Raises:
        UsageError: one is malformed.
    """
    from jettison.container.names import parse_extra_host  # rarely needed

    for each in given:
        parse_extra_host(each)
    return given


def entitlement(text: str) -> str:
    """Return a value of ``--allow`` as it is.

    Raises:
        UsageError: there is no such entitlement.
    """
    if text not in _ENTITLEMENTS and not text.startswith("device="):
        raise UsageError(
            f"--allow `{text}` is not known",
            hint=f"use {', '.join(_ENTITLEMENTS)} or device=NAME",
        )
    return text


def texts(flags: Mapping[str, object], name: str) -> tuple[str, ...]:
    """Return the values of a flag that may be given several times."""
    value = flags[name]
    return tuple(str(each) for each in value) if isinstance(value, tuple) else ()


def words(flags: Mapping[str, object], name: str) -> tuple[str, ...]:
    """Return the values of a flag that may be given several times, or with commas between them."""
    return tuple(word for each in texts(flags, name) for word in each.split(","))


def parse_pids(text: str) -> int:
    """Return the processes of ``--pids-limit``; docker writes -1 or 0 for no limit.

    Raises:
        UsageError: it is no number, or more than a kernel can have.
    """
    if not text:
        return 0
    if text in {"-1", "0"}:
        return UNLIMITED
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= _MOST_PIDS):
        raise UsageError(
            f"--pids-limit `{text}` is not a number of processes",
            hint=f"write 1 to {_MOST_PIDS}, or -1 for no limit",
        )
    return int(text)
