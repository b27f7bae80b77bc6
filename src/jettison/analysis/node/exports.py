"""``exports`` and ``imports`` of a package: which file stands for a subpath.

In:  the decoded field, the subpath, conditions.
Out: the path in the package, None if there is none.

Source: Node, "Modules: ECMAScript modules", PACKAGE_EXPORTS_RESOLVE and what it calls.

Security: the depth and the number of steps are bounded; a target does not leave its package.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

MAX_STEPS = 5_000
_INVALID = {".", "..", "node_modules"}
_MAX_DEPTH = 50


class Unresolvable(Exception):  # noqa: N818 - it is no error of the program
    """The field is too large to be followed."""


def exported(exports: object, subpath: str, conditions: frozenset[str]) -> str | None:
    """Return what ``exports`` has for a subpath, such as ``./lib/a.js``.

    Args:
        exports: The field.
        subpath: ``.``, or beginning with ``./``.
        conditions: Those that hold.

    Raises:
        Unresolvable: it takes more than ``MAX_STEPS``.

    >>> exported({"./*": {"import": "./m/*.mjs", "default": "./*.js"}}, "./a", frozenset())
    './a.js'
    """
    if isinstance(exports, dict) and any(str(key).startswith(".") for key in exports):
        return _matched(exports, subpath, conditions)
    return _Target(conditions, internal=False).of(exports, None) if subpath == "." else None


def imported(imports: object, name: str, conditions: frozenset[str]) -> str | None:
    """Return what ``imports`` has for a name that begins with ``#``: a path, or another package.

    Raises:
        Unresolvable: it takes more than ``MAX_STEPS``.
    """
    if not isinstance(imports, dict) or name == "#" or name.startswith("#/"):
        return None
    return _matched(imports, name, conditions, internal=True)


def _matched(
    field: Mapping[str, object], name: str, conditions: frozenset[str], *, internal: bool = False
) -> str | None:
    target = _Target(conditions, internal=internal)
    if name in field and "*" not in name and not name.endswith("/"):
        return target.of(field[name], None)
    best, part = "", ""
    for key in field:
        target.step()
        head, star, tail = str(key).partition("*")
        if not star and key.endswith("/") and name.startswith(key):  # what Node had to version 16
            head, tail = key, ""
        elif not star or "*" in tail or not name.startswith(head) or name == head:
            continue
        if len(name) < len(head) + len(tail) or not name.endswith(tail):
            continue
        if (len(head), len(key)) > (len(best.partition("*")[0]), len(best)):
            best, part = key, name[len(head) : len(name) - len(tail)]
    if not best:
        return None
    return target.of(field[best], part)


class _InvalidTargetError(Exception):
    """What stands for a name is no path in the package: Node looks no further."""


class _Hidden(enum.Enum):
    """``null``: the name is not to be had, whatever comes after."""

    HIDDEN = 0


class _Target:
    def __init__(self, conditions: frozenset[str], *, internal: bool) -> None:
        self._conditions = conditions
        self._internal = internal
        self._steps = 0

    def step(self) -> None:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise Unresolvable

    def of(self, target: object, part: str | None) -> str | None:
        """Return the path of a target; ``part`` is what a pattern's star stands for."""
        try:
            found = self._of(target, part, 0)
        except _InvalidTargetError:
            return None
        return found if isinstance(found, str) else None

    def _of(self, target: object, part: str | None, depth: int) -> str | _Hidden | None:
        """Return the path; None if no condition holds."""
        self.step()
        if depth > _MAX_DEPTH:
            raise Unresolvable
        if isinstance(target, str):
            return self._text(target, part)
        if isinstance(target, dict):
            for key, value in target.items():
                if key == "default" or key in self._conditions:
                    found = self._of(value, part, depth + 1)
                    if found is not None:
                        return found
            return None
        if isinstance(target, list):
            return self._first(target, part, depth)
        if target is None:
            return _Hidden.HIDDEN
        raise _InvalidTargetError

    def _first(self, targets: list[object], part: str | None, depth: int) -> str | _Hidden | None:
        last: Exception | None = None
        for each in targets:
            try:
                found = self._of(each, part, depth + 1)
            except _InvalidTargetError as error:
                last = error
                continue
            if isinstance(found, str):
                return found
            last = None if found is _Hidden.HIDDEN else last
        if last is not None:
            raise last
        return _Hidden.HIDDEN

    def _text(self, target: str, part: str | None) -> str:
        if not target.startswith("./"):
            if self._internal and not target.startswith(("../", "/")):
                return target.replace("*", part or "")
            raise _InvalidTargetError
        if any(each in _INVALID for each in target[2:].split("/")):
            raise _InvalidTargetError
        if part is None:
            return target
        if any(each in _INVALID for each in part.split("/")):
            raise _InvalidTargetError
        return target + part if target.endswith("/") else target.replace("*", part)
