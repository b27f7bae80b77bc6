"""``--cache-from`` and ``--cache-to`` of ``build``: caches on other machines.

In:  texts as written: ``type=registry,ref=NAME`` or, as docker takes it, ``NAME``.
Out: click options; values of a ``BuildRequest``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import click

from jettison.cli.options import all_of
from jettison.cli.values import fields, texts
from jettison.remote.options import (
    LATER,
    CacheExport,
    CacheImport,
    cache_export,
    cache_import,
)

_Function = Callable[..., object]


def cache_flags(command: _Function) -> _Function:
    """Let a function have the flags."""
    decorate = all_of(
        click.option(
            "--cache-from",
            multiple=True,
            metavar="NAME|type=…",
            help="Cache to read: type=registry,ref=NAME or type=local,src=DIR",
        ),
        click.option(
            "--cache-to",
            multiple=True,
            metavar="NAME|type=…",
            help="Cache to write: type=registry,ref=NAME, type=local,dest=DIR or type=inline; "
            "mode=max for all stages",
        ),
    )
    return decorate(command)


def cache_imports(flags: Mapping[str, object]) -> tuple[CacheImport, ...]:
    """Return what ``--cache-from`` asks for.

    Raises:
        UsageError: a value is wrong.
    """
    flag = "--cache-from"
    given = [_attributes(flag, text) for text in texts(flags, "cache_from") if text]
    return tuple(cache_import(flag, each) for each in given if _is_known(flag, each))


def cache_exports(flags: Mapping[str, object]) -> tuple[CacheExport, ...]:
    """Return what ``--cache-to`` asks for.

    Raises:
        UsageError: a value is wrong.
    """
    flag = "--cache-to"
    given = [_attributes(flag, text) for text in texts(flags, "cache_to") if text]
    return tuple(cache_export(flag, each) for each in given if _is_known(flag, each))


def _attributes(flag: str, text: str) -> dict[str, str]:
    if "=" not in text:  # a name, and several of them with commas, as docker takes it
        return {"type": "registry", "ref": text}
    return fields(flag, text)


def _is_known(flag: str, given: Mapping[str, str]) -> bool:
    """Tell whether a type is built in; say that another is left out."""
    if given.get("type") not in LATER:
        return True
    from jettison.cli.notices import notice  # seldom

    notice(f"{flag} type={given['type']} is left out: it is not supported as yet")
    return False
