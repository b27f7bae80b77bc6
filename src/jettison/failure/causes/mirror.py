"""A repository of packages does not have what it should: moved, removed, or just being renewed."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure, quoted

_STALE = (
    ("failed to fetch", r"E: Failed to fetch \S+/(?P<name>[^/\s]+\.deb)\s+(?:404|403)"),
    (
        "unable to fetch some archives",
        r"E: Unable to fetch some archives, maybe run apt-get update",
    ),
)
_SIGNS = (
    ("does not have a release file", r"repository '(?P<name>\S+).*does not have a Release file"),
    ("no longer has a release file", r"repository '(?P<name>\S+).*no longer has a Release file"),
    ("404  not found", r"(?:E|W): Failed to fetch (?P<name>\S+)\s+404"),
    ("hash sum mismatch", r"Hash Sum mismatch"),
    ("unexpected size", r"File has unexpected size"),
    ("mirror sync in progress", r"Mirror sync in progress"),
    ("temporary error (try again later)", r"(?P<name>\S+): temporary error \(try again later\)"),
    ("apkindex", r"ERROR: (?:Ignoring |opening )?(?P<name>\S+APKINDEX\S*): (?!.*signature)"),
    ("io error", r"(?:ERROR|WARNING): (?P<name>https?://\S+): IO ERROR"),
    ("failed to download metadata", r"Failed to download metadata for repo '(?P<name>[^']+)'"),
    ("failed to synchronize cache", r"Failed to synchronize cache for repo '(?P<name>[^']+)'"),
    ("failure: repodata", r"failure: repodata/\S+ from (?P<name>\S+):"),
    ("no more mirrors to try", r"No more mirrors to try"),
    ("some index files failed", r"E: Some index files failed to download"),
    ("failed to fetch", r"E: Failed to fetch (?P<name>\S+)"),
    ("cannot add ppa", r"Cannot add PPA: '?(?P<name>ppa:[\w./-]+)"),
    ("unable to find expected entry", r"Unable to find expected entry '(?P<name>\S+)'"),
    ("valid metadata not found", r"Valid metadata not found at specified URL"),
    ("download (curl) error", r"Download \(curl\) error for '(?P<name>\S+)'"),
)


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    stale = failure.log.find(_STALE[0], last=60) or failure.log.find(_STALE[1], last=60)
    if stale is not None:
        name = stale.groupdict().get("name")
        what = (
            f"the mirror does not have {quoted(name)}" if name else "packages are not on the mirror"
        )
        return Cause(
            "stale-package-lists",
            what + " any more",
            "the lists of packages are older than the mirror: `apt-get update` ran in a cached step",
            "run both in one step: `RUN apt-get update && apt-get install -y …`",
        )
    found = failure.log.find(*_SIGNS, last=60)
    if found is None:
        return None
    name = found.groupdict().get("name") or ""
    return Cause(
        "mirror",
        f"the repository {quoted(name)} failed" if name else "a repository of packages failed",
        "it is gone, does not serve this release, or was just being renewed",
        "build again; if it stays so, correct its address or remove it from the sources",
    )
