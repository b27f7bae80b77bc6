"""Composer's packages: whether what a PHP program loads first is there.

In:  a PHP file in a tree.
Out: ``Autoload``.

Source: Composer, "Autoloading", "Runtime" (``platform_check.php``, ``installed.json``).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

import msgspec

from jettison.analysis.files import Files

_MAX_SOURCE = 1 << 20
_MAX_INSTALLED = 16 << 20
_LOADS = re.compile(
    rb"^[ \t]*(?:\$\w+\s*=\s*)?(?:require|require_once|include|include_once)\b\s*\(?\s*"
    rb"((?:__DIR__|dirname\s*\(\s*__(?:DIR|FILE)__\s*(?:,\s*(\d))?\s*\))\s*\.\s*)?"
    rb"['\"]([^'\"\n]*vendor/autoload(?:_runtime)?\.php)['\"]",
    re.MULTILINE,
)
_PHP = re.compile(rb"PHP_VERSION_ID\s*>=\s*(\d{5,6})")
_HEADER = re.compile(rb"#define PHP_VERSION_ID (\d{5,6})")
_HEADERS = ("/usr/local/include/php/main/php_version.h", "/usr/include/php/main/php_version.h")


class Autoload(msgspec.Struct, frozen=True):
    """What a PHP file loads of Composer.

    Args:
        file: The PHP file.
        path: The ``vendor/autoload.php`` that it loads, normalised.
        is_there: Whether that is a file.
        absent: Names and directories of packages that Composer installed and are not there.
        needs_php: The least version of PHP by ``platform_check.php``, ``(8, 1)``; empty if none.
        php: The version that is there; empty if it is not known.
    """

    file: str
    path: str
    is_there: bool
    absent: tuple[tuple[str, str], ...] = ()
    needs_php: tuple[int, ...] = ()
    php: tuple[int, ...] = ()


def autoload(files: Files, path: str, environment: Mapping[str, str]) -> Autoload | None:
    """Return what a PHP file loads of Composer, None if it loads nothing of it.

    Args:
        files: Of the tree.
        path: The PHP file, links followed.
        environment: Of the image: that of PHP has its version in it.
    """
    data = files.read(path, _MAX_SOURCE, whole=False)
    found = _LOADS.search(data or b"")
    if found is None:
        return None
    base = posixpath.dirname(path)
    if found[1] is not None and b"dirname" in found[1]:
        is_file = b"__FILE__" in found[1]
        for _ in range(int(found[2] or 1) - is_file):
            base = posixpath.dirname(base)
    elif found[1] is None:
        return None  # relative to the include path and the working directory
    at = posixpath.normpath(f"{base.rstrip('/')}/{found[3].decode('utf-8', 'replace').lstrip('/')}")
    there = files.find(at)
    if there is None:
        return Autoload(path, at, is_there=False)
    vendor = posixpath.dirname(at)
    check = files.read(f"{vendor}/composer/platform_check.php", _MAX_SOURCE, whole=False)
    needs = _PHP.search(check or b"")
    return Autoload(
        path,
        at,
        is_there=True,
        absent=tuple(_absent(files, vendor)),
        needs_php=_version(int(needs[1])) if needs is not None else (),
        php=_php(files, environment),
    )


def _absent(files: Files, vendor: str) -> Iterator[tuple[str, str]]:
    data = files.read(f"{vendor}/composer/installed.json", _MAX_INSTALLED)
    try:
        known = msgspec.json.decode(data or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    packages = known.get("packages") if isinstance(known, dict) else known
    if not isinstance(packages, list):
        return
    development = known.get("dev-package-names") if isinstance(known, dict) else None
    names = development if isinstance(development, list) else []
    for each in packages[:10_000]:
        if not isinstance(each, dict):
            continue
        name, place = each.get("name"), each.get("install-path")
        if not isinstance(name, str) or not isinstance(place, str) or name in names:
            continue
        path = posixpath.normpath(f"{vendor}/composer/{place}")
        if path.startswith(f"{vendor}/") and not files.tree.names(path):
            yield name, path


def _php(files: Files, environment: Mapping[str, str]) -> tuple[int, ...]:
    said = re.match(r"(\d{1,2})\.(\d{1,3})\.(\d{1,3})", environment.get("PHP_VERSION", ""))
    if said is not None:
        return tuple(int(each) for each in said.groups())
    for path in _HEADERS:
        found = _HEADER.search(files.read(path, _MAX_SOURCE, whole=False) or b"")
        if found is not None:
            return _version(int(found[1]))
    return ()


def _version(number: int) -> tuple[int, ...]:
    return number // 10_000, number // 100 % 100, number % 100
