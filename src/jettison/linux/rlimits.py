"""Resource limits as command lines write them.

In:  ``nofile=1024:2048``.
Out: name, soft and hard limit; -1 is unlimited.

Source: getrlimit(2); docker's ``--ulimit``.
"""

from __future__ import annotations

import re
import resource

from jettison.errors import UsageError

_NUMBER = re.compile(r"-1|[0-9]{1,19}")
_UNLIMITED = -1
_MAX = (1 << 63) - 1
_FORM = "write NAME=SOFT or NAME=SOFT:HARD, with -1 for unlimited"


def parse_limit(text: str) -> tuple[str, int, int]:
    """Return name, soft and hard limit.

    >>> parse_limit("nofile=1024:-1")
    ('nofile', 1024, -1)

    Raises:
        UsageError: the name is unknown, a value is no number, or soft is above hard.
    """
    name, equals, values = text.partition("=")
    if not equals or not name:
        raise UsageError(f"--ulimit `{text}` is malformed", hint=_FORM)
    limit_number(name)
    found = values.split(":")
    if len(found) > 2 or not all(map(_is_number, found)):
        raise UsageError(f"--ulimit `{text}`: `{values}` is no limit", hint=_FORM)
    soft, hard = int(found[0]), int(found[-1])
    if hard != _UNLIMITED and (soft == _UNLIMITED or soft > hard):
        raise UsageError(
            f"--ulimit `{text}`: the soft limit is above the hard one",
            hint="the hard limit is what a process may raise the soft one to",
        )
    return name, soft, hard


def limit_number(name: str) -> int:
    """Return the number of a resource limit, ``nofile`` for example.

    Raises:
        UsageError: it is unknown.
    """
    found = getattr(resource, f"RLIMIT_{name.upper()}", None) if name.islower() else None
    if not isinstance(found, int):
        raise UsageError(f"unknown resource limit `{name}`", hint="See getrlimit(2).")
    return found


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None and int(text) <= _MAX
