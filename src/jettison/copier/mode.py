"""Permission bits of ``--chmod``: octal, or symbolic as in chmod(1).

In:  ``755``, ``u=rwX,go=rX``, ``+x``, ``g=u``.
Out: ``ModeChange``, a function of the source's mode.

Source: POSIX.1-2017 chmod, "Extended Description", with umask 0; as in BSD's setmode(3), and so in
BuildKit, ``X`` looks at the mode before any clause was applied.
"""

from __future__ import annotations

import stat

import msgspec

from jettison.errors import FrontendError

_WHO = {"u": 0o4700, "g": 0o2070, "o": 0o0007, "a": 0o6777}
_SHIFT = {"u": 6, "g": 3, "o": 0}
_PERMISSIONS = {"r": 0o444, "w": 0o222, "x": 0o111, "s": 0o6000}


class _Clause(msgspec.Struct, frozen=True):
    who: int
    sticky: bool
    operator: str
    permissions: str


class ModeChange(msgspec.Struct, frozen=True):
    """What ``--chmod`` does; ``absolute`` is None for symbolic modes."""

    absolute: int | None
    clauses: tuple[_Clause, ...] = ()

    def apply(self, mode: int) -> int:
        """Return a mode after the change; symbolic links have no permissions to change.

        Args:
            mode: Type and permission bits as in ``stat(2)``.
        """
        if stat.S_ISLNK(mode):
            return mode
        if self.absolute is not None:
            return stat.S_IFMT(mode) | self.absolute
        bits = stat.S_IMODE(mode)
        for clause in self.clauses:
            bits = _apply_clause(clause, bits, mode)
        return stat.S_IFMT(mode) | bits


def _apply_clause(clause: _Clause, bits: int, original: int) -> int:
    change = 0
    for permission in clause.permissions:
        if permission in _SHIFT:
            change |= ((bits >> _SHIFT[permission]) & 0o7) * 0o111
        elif permission == "X":
            if stat.S_ISDIR(original) or original & 0o111:
                change |= 0o111
        elif permission == "t":
            change |= 0o1000
        else:
            change |= _PERMISSIONS[permission]
    change &= clause.who | (0o1000 if clause.sticky else 0)
    if clause.operator == "+":
        return bits | change
    if clause.operator == "-":
        return bits & ~change
    return (bits & ~clause.who) | change


def parse_mode(text: str) -> ModeChange:
    """Return the change that the value of ``--chmod`` asks for.

    >>> oct(parse_mode("u=rwX,go=rX").apply(0o100755)), oct(parse_mode("g=u,o-r").apply(0o100644))
    ('0o100755', '0o100660')

    Raises:
        FrontendError: it is neither octal up to 7777 nor symbolic.
    """
    if text and all(char in "01234567" for char in text):
        absolute = int(text, 8)
        if absolute <= 0o7777:
            return ModeChange(absolute)
    clauses: list[_Clause] = []
    for part in text.split(","):
        parsed = _parse_clauses(part)
        if not parsed:
            raise FrontendError(
                f"invalid chmod parameter: `{text}`: it should be an octal string between 0 and"
                " 07777, or symbolic",
                hint="write a mode such as `755` or `u=rwX,go=rX`",
            )
        clauses += parsed
    return ModeChange(None, tuple(clauses))


def _parse_clauses(part: str) -> list[_Clause]:
    """Return the actions of one comma-separated part (``u+r-w`` has two); empty if malformed."""
    names = part[: len(part) - len(part.lstrip("ugoa"))]
    who = 0
    for name in names or "a":
        who |= _WHO[name]
    sticky = bool(who & ~_WHO["o"])
    clauses: list[_Clause] = []
    position = len(names)
    while position < len(part):
        operator = part[position]
        end = position + 1
        while end < len(part) and part[end] in "rwxXstugo":
            end += 1
        if operator not in "+-=":
            return []
        clauses.append(_Clause(who, sticky, operator, part[position + 1 : end]))
        position = end
    return clauses
