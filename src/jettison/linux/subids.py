"""Subordinate ids: the ranges of user and group ids that the administrator lent to a user.

In:  ``/etc/subuid``, ``/etc/subgid``.
Out: ranges; the arguments of newuidmap(1) and newgidmap(1).

Source: subuid(5), newuidmap(1).
"""

from __future__ import annotations

import pwd

from jettison.errors import HostError

WANTED = 65536
_PARTS = 3

Range = tuple[int, int]
"""First id, how many."""


def read_ranges(path: str, uid: int) -> list[Range]:
    """Return the ranges of a user, by name or number, in file order; empty without a file."""
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError:
        return []
    return parse_ranges(text, {name, str(uid)})


def parse_ranges(text: str, owners: set[str]) -> list[Range]:
    r"""Return the ranges of the lines that belong to one of ``owners``; bad lines are skipped.

    >>> parse_ranges("ann:100000:65536\nbob:165536:65536", {"bob"})
    [(165536, 65536)]
    """
    found = []
    for line in text.splitlines():
        parts = line.strip().split(":")
        if len(parts) != _PARTS or parts[0] not in owners:
            continue
        if parts[1].isdecimal() and parts[2].isdecimal() and int(parts[2]) > 0:
            found.append((int(parts[1]), int(parts[2])))
    return found


def mapping(own: int, ranges: list[Range]) -> list[str]:
    """Return map arguments: 0 is the user, then the ranges follow from 1 on.

    >>> mapping(1000, [(100000, 65536)])
    ['0', '1000', '1', '1', '100000', '65536']
    """
    arguments = ["0", str(own), "1"]
    inside = 1
    for first, count in ranges:
        arguments += [str(inside), str(first), str(count)]
        inside += count
    return arguments


def require(kind: str, uid: int) -> list[Range]:
    """Return the ranges of a user.

    Args:
        kind: ``uid`` or ``gid``.
        uid: Whose; group ranges belong to users as well.

    Raises:
        HostError: there are none; says which command adds them.
    """
    path = f"/etc/sub{kind}"
    ranges = read_ranges(path, uid)
    if ranges:
        return ranges
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
    raise HostError(
        f"user `{name}` has no subordinate {kind}s in `{path}`, so containers could have one user",
        hint=f"Run `{remedy(name)}` once as root, then try again.",
    )


def remedy(name: str) -> str:
    """Return the command that lends a user 65,536 ids of each kind, past those of others."""
    first = 100000
    for path in ("/etc/subuid", "/etc/subgid"):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                lines = file.read().splitlines()
        except OSError:
            continue
        for line in lines:
            parts = line.split(":")
            if len(parts) == _PARTS and parts[1].isdecimal() and parts[2].isdecimal():
                first = max(first, int(parts[1]) + int(parts[2]))
    ids = f"{first}-{first + WANTED - 1}"
    return f"usermod --add-subuids {ids} --add-subgids {ids} {name}"
