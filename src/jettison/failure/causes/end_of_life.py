"""The base's distribution has reached its end: its packages have moved to an archive."""

from __future__ import annotations

import re

from jettison.errors import Cause
from jettison.failure.base import Failure

_OLD = (
    "squeeze|wheezy|jessie|stretch|buster"
    "|precise|quantal|raring|saucy|utopic|vivid|wily|yakkety|zesty|artful|cosmic|disco|eoan"
    "|groovy|hirsute|impish|kinetic|lunar|mantic|oracular"
)
_APT = (
    (
        "release file",
        rf"\b(?P<name>{_OLD})\b\S* Release' (?:does not have|no longer has) a Release",
    ),
    ("404", rf"dists/(?P<name>{_OLD})\b\S*.*404"),
    ("failed to fetch", rf"Failed to fetch \S*/dists/(?P<name>{_OLD})\b"),
    ("keyexpired", rf"(?P<name>{_OLD})\b.*KEYEXPIRED"),
    ("release' is not signed", rf"\b(?P<name>{_OLD})\b\S* Release' is not signed"),
    ("is not valid", rf"dists/(?P<name>{_OLD})\b\S*/(?:In)?Release is (?:not valid|expired)"),
    ("release", rf"Unable to find expected entry .*dists/(?P<name>{_OLD})\b"),
)
_YUM = (
    ("no urls in mirrorlist", r"No URLs in mirrorlist"),
    ("cannot find a valid baseurl", r"Cannot find a valid baseurl for repo: (?P<name>\S+)"),
    ("all mirror urls are not using", r"YumRepo Error: All mirror URLs are not using"),
    ("cannot retrieve repository metadata", r"Cannot retrieve repository metadata"),
)
_CENTOS = re.compile(r"centos|scl|epel|base/|appstream", re.IGNORECASE)
_FETCH = re.compile(
    r"Failed to (?:download metadata|synchronize cache) for repo '(?P<name>[\w-]+)'"
)


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    found = failure.log.find(*_APT, last=120)
    if found is not None and _apt_failed(failure) and not _is_served(failure, found["name"]):
        name = found["name"]
        return Cause(
            "end-of-life",
            f"`{name}` is no longer on the mirrors: its packages have moved to an archive",
            f"{failure.stage} is of a distribution that has reached its end",
            "take a newer base; to stay, point `/etc/apt/sources.list` to the archive",
        )
    found = failure.log.find(*_YUM, last=60)
    if found is None:
        return None
    return Cause(
        "end-of-life",
        "the mirrors of this distribution's packages are gone",
        f"{failure.stage} has most likely reached its end, as CentOS 6, 7 and 8 have",
        "take a newer base; to stay, let `baseurl` in `/etc/yum.repos.d` be the archive",
    )


def _is_served(failure: Failure, name: str) -> bool:
    """Tell whether the distribution's own mirror still has it: another repository failed."""
    return failure.log.find((f"{name}/main", rf"(?:Get|Hit):\d+ \S+ {name}/main")) is not None


def _apt_failed(failure: Failure) -> bool:
    signs = (
        ("e: ", r"^E: (?:Failed to fetch|The repository|Some index files|Unable to locate)"),
        ("e: ", r"^E: (?:Package|Version|Release file|There (?:were|are)|Unable to find)"),
        ("unable to correct problems", r"Unable to correct problems"),
    )
    return failure.log.find(*signs, last=60) is not None
