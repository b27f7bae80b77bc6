"""``package.json``: what counts of it, whatever it holds.

In:  bytes of a ``package.json``.
Out: ``Manifest``.

Source: npm's documentation of package.json; Node's "Modules: Packages".

Security: fields of a wrong type are as if they were not there; a document that is too large, too
deep or no JSON is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec

MAX_MANIFEST = 1 << 20
"""A larger file is not read: the largest of 100,000 packages is a tenth of it."""
_MAX_NAMES = 10_000
_FIELDS = ("peerDependencies", "devDependencies", "optionalDependencies", "dependencies")
_T = TypeVar("_T")


class Manifest(msgspec.Struct, frozen=True):
    """What a package says of itself.

    Args:
        name: Of the package.
        version: Of it.
        main: What is loaded of it where it has no ``exports``.
        is_module: Whether its ``.js`` files are ECMAScript modules.
        exports: As decoded; None if there is none.
        imports: As decoded.
        needed: Names of ``dependencies``, without those that are optional as well.
        development: Names of ``devDependencies``.
        optional: Names of ``optionalDependencies``.
        peers: Names of ``peerDependencies``, which whoever uses the package has to install.
        optional_peers: Those that may be missing.
        ranges: Name of each of all these dependencies to the versions that are wanted.
        scripts: Name to command line.
        programs: Name of a program to its file.
        workspaces: Patterns of directories of its workspaces.
        aliases: Names that the ``module-alias`` package adds.
        manager: The package manager it asks for: ``pnpm@8.6.0``.
    """

    name: str = ""
    version: str = ""
    main: str = ""
    is_module: bool = False
    exports: object = None
    imports: object = None
    needed: frozenset[str] = frozenset()
    development: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    peers: frozenset[str] = frozenset()
    optional_peers: frozenset[str] = frozenset()
    ranges: Mapping[str, str] = {}
    scripts: Mapping[str, str] = {}
    programs: Mapping[str, str] = {}
    workspaces: tuple[str, ...] = ()
    aliases: frozenset[str] = frozenset()
    manager: str = ""


def parse_manifest(data: bytes) -> Manifest | None:
    """Return what a ``package.json`` says, None if it is no JSON object.

    >>> parse_manifest(b'{"name": "a", "main": 7, "dependencies": {"b": "1"}}').needed
    frozenset({'b'})
    >>> parse_manifest(b"[") is None
    True
    """
    known = decode_object(data)
    if known is None:
        return None
    optional = _names(known, "optionalDependencies")
    peers = _field(known, "peerDependenciesMeta", dict) or {}
    name = _text(known, "name")
    programs = _texts(known, "bin")
    program = _text(known, "bin")
    if program:
        programs = {name.rpartition("/")[2]: program}
    return Manifest(
        name=name,
        version=_text(known, "version"),
        main=_text(known, "main"),
        is_module=known.get("type") == "module",
        exports=known.get("exports"),
        imports=known.get("imports"),
        needed=_names(known, "dependencies") - optional,
        development=_names(known, "devDependencies"),
        optional=optional,
        peers=_names(known, "peerDependencies"),
        optional_peers=frozenset(
            each for each, says in peers.items() if isinstance(says, dict) and says.get("optional")
        ),
        ranges={name: text for each in _FIELDS for name, text in _texts(known, each).items()},
        scripts=_texts(known, "scripts"),
        programs=programs,
        workspaces=_workspaces(known),
        aliases=_names(known, "_moduleAliases"),
        manager=_text(known, "packageManager"),
    )


def decode_object(data: bytes) -> dict[str, object] | None:
    """Return a JSON object, None if bytes are anything else."""
    try:
        decoded = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return decoded if isinstance(decoded, dict) else None


def _field(known: Mapping[str, object], name: str, kind: type[_T]) -> _T | None:
    value = known.get(name)
    return value if isinstance(value, kind) else None


def _text(known: Mapping[str, object], name: str) -> str:
    return _field(known, name, str) or ""


def _texts(known: Mapping[str, object], name: str) -> dict[str, str]:
    found = _field(known, name, dict) or {}
    return {each: value for each, value in found.items() if isinstance(value, str)}


def _names(known: Mapping[str, object], name: str) -> frozenset[str]:
    """Return the names of an object that can be names of packages."""
    found = _field(known, name, dict) or {}
    return frozenset(each for each in list(found)[:_MAX_NAMES] if is_package_name(each))


def _workspaces(known: Mapping[str, object]) -> tuple[str, ...]:
    found = known.get("workspaces")
    if isinstance(found, dict):
        found = found.get("packages")
    return tuple(each for each in found if isinstance(each, str)) if isinstance(found, list) else ()


def is_package_name(name: str) -> bool:
    """Tell whether text can be the name of a package: it is no way out of ``node_modules``.

    >>> [is_package_name(each) for each in ("a", "@a/b", "..", "a/b", "@a", "")]
    [True, True, False, False, False, False]
    """
    scope, slash, rest = name.partition("/")
    plain = rest if slash and scope.startswith("@") else name
    return (
        0 < len(name) <= 214
        and "/" not in plain
        and plain not in {"", ".", ".."}
        and not plain.startswith("@")
        and "\0" not in name
        and "\\" not in name
    )
