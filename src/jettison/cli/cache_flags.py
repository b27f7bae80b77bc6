"""``--cache-from`` and ``--cache-to`` of ``build``: caches on other machines.

In:  texts as written: ``type=registry,ref=NAME`` or, as docker takes it, ``NAME``.
Out: click options; values of a ``BuildRequest``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import click

from jettison.cli.options import all_of
from jettison.cli.values import fields, texts
from jettison.errors import UsageError
from jettison.remote.attributes import LATER, without_secrets
from jettison.remote.options import CacheExport, CacheImport, by_name, cache_export, cache_import

_Function = Callable[..., object]


def cache_flags(command: _Function) -> _Function:
    """Let a function have the flags."""
    decorate = all_of(
        click.option(
            "--cache-from",
            multiple=True,
            metavar="NAME|type=…",
            help="Cache to read: type=registry,ref=NAME, type=local,src=DIR, type=s3,bucket=NAME "
            "or type=gha",
        ),
        click.option(
            "--cache-to",
            multiple=True,
            metavar="NAME|type=…",
            help="Cache to write: type=registry,ref=NAME, type=local,dest=DIR, "
            "type=s3,bucket=NAME, type=gha or type=inline; mode=max for all stages",
        ),
    )
    return decorate(command)


def cache_imports(flags: Mapping[str, object]) -> tuple[CacheImport, ...]:
    """Return what ``--cache-from`` asks for.

    Raises:
        UsageError: a value is wrong.
    """
    flag = "--cache-from"
    return tuple(cache_import(flag, each) for each in _given(flag, texts(flags, "cache_from")))


def cache_exports(flags: Mapping[str, object]) -> tuple[CacheExport, ...]:
    """Return what ``--cache-to`` asks for.

    Raises:
        UsageError: a value is wrong.
    """
    flag = "--cache-to"
    return tuple(cache_export(flag, each) for each in _given(flag, texts(flags, "cache_to")))


def _given(flag: str, written: Iterable[str]) -> list[dict[str, str]]:
    """Return the attributes of each cache of the types that are built in."""
    found = (_attributes(flag, text) for text in written if text)
    return [each for one in found if _is_known(flag, one) for each in by_name(one)]


def _attributes(flag: str, text: str) -> dict[str, str]:
    if "=" not in text:  # a name, and several of them with commas, as docker takes it
        return {"type": "registry", "ref": text}
    try:
        return fields(flag, text)
    except UsageError as error:
        if without_secrets(text) == text:
            raise
        raise UsageError(
            f"{flag}: `{without_secrets(text)}` is no list of key=value pairs",
            hint='a value with a comma is quoted: `type=s3,"secret_access_key=…"`',
        ) from error.__cause__


def _is_known(flag: str, given: Mapping[str, str]) -> bool:
    """Tell whether a type is built in; say that another is left out."""
    if given.get("type") not in LATER:
        return True
    from jettison.cli.notices import notice  # seldom

    notice(f"{flag} type={given['type']} is left out: it is not supported as yet")
    return False
