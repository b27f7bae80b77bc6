"""A user or group is there already, or is not there."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure, quoted

_THERE = (
    ("already exists", r"(?:useradd|adduser|groupadd|addgroup|usermod|groupmod)\W.*?['`\"]?(?P<name>[\w.-]+)['\"]? already exists"),
    ("already exists", r"(?:The )?(?:user|group|UID|GID) ['`\"]?(?P<name>[\w.-]+)['\"]? already exists"),
    ("in use", r"(?:addgroup|adduser): (?:group|user|gid|uid) '(?P<name>[\w.-]+)' in use"),
    ("is not unique", r"(?:UID|GID) (?P<name>\d+) is not unique"),
    ("group exists", r"group (?P<name>\S+) exists"),
    ("is already in use", r"(?:UID|GID|uid|gid) ['`]?(?P<name>\d+)['`]? is already (?:in use|taken)"),
)  # fmt: skip
_MISSING = (
    ("invalid user", r"invalid user: ['`]?(?P<name>[\w.:-]+)"),
    ("invalid group", r"invalid group: ['`]?(?P<name>[\w.:-]+)"),
    ("unknown user", r"unknown user(?:/group)?:? ['`]?(?P<name>[\w.:-]+)"),
    ("unknown group", r"unknown group:? ['`]?(?P<name>[\w.:-]+)"),
    ("does not exist", r"(?:user|group) ['`]?(?P<name>[\w.-]+)[']? does not exist"),
    ("no such user", r"(?i)no such (?:user|group):? ['`]?(?P<name>[\w.-]+)"),
    ("unable to find user", r"unable to find (?:user|group) (?P<name>\S+?):"),
)


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    found = failure.log.find(*_THERE, last=8)
    if found is not None:
        return Cause(
            "user-or-group",
            f"the user, group or id {quoted(found['name'])} is there already",
            f"{failure.stage} brings it along: official images have users of their own",
            "use the one that is there, or choose another name and id",
        )
    found = failure.log.find(*_MISSING, last=8)
    if found is None:
        return None
    return Cause(
        "user-or-group",
        f"there is no user or group {quoted(found['name'].partition(':')[0])}",
        "the stage's `/etc/passwd` and `/etc/group` do not have it",
        "make it in an earlier step: `RUN useradd …` (Debian), `RUN adduser -D …` (Alpine)",
    )
