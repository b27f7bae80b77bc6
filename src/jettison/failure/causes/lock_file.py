"""A lock file does not fit the manifest beside it, or is not there."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure

_SIGNS = (
    ("are in sync", r"package\.json and (?P<name>package-lock\.json|\S+) (?:or \S+ )?are in sync"),
    ("existing package-lock", r"npm ci.* can only install with an existing (?P<name>package-lock)"),
    ("npm ci", r"`npm ci` can only install (?:packages )?(?:when|with)"),
    ("lockfile needs to be updated", r"Your lockfile needs to be updated"),
    (
        "frozen-lockfile",
        r"(?i)(?:cannot|--)[\w -]*frozen-lockfile.*(?:because|out of date|not up to date)",
    ),
    ("err_pnpm_outdated_lockfile", r"ERR_PNPM_OUTDATED_LOCKFILE"),
    ("err_pnpm_no_lockfile", r"ERR_PNPM_NO_LOCKFILE"),
    ("yn0028", r"YN0028"),
    ("would have been modified", r"lockfile would have been (?:modified|created)"),
    (
        "poetry.lock",
        r"(?P<name>poetry\.lock) (?:was last generated|is not up to date|file does not)",
    ),
    (
        "poetry.lock was last",
        r"changed significantly since (?P<name>poetry\.lock) was last generated",
    ),
    ("not compatible with the current version of poetry", r"lock file is not compatible with the"),
    ("do not match the hashes", r"DO NOT MATCH THE HASHES"),
    ("require-hashes mode", r"[Ii]n --require-hashes mode"),
    ("pipfile.lock", r"(?P<name>Pipfile\.lock) \(\w+\) out of date"),
    ("pipfile.lock not found", r"(?P<name>Pipfile\.lock) (?:not found|must exist)"),
    ("lockfile at", r"The lockfile at `(?P<name>uv\.lock)` needs to be updated"),
    ("updates to go.mod needed", r"updates to (?P<name>go\.mod) needed"),
    ("missing go.sum entry", r"missing (?P<name>go\.sum) entry"),
    ("inconsistent vendoring", r"inconsistent vendoring"),
    ("existing contents have changed", r"go: updates to go\.(?:mod|sum) needed"),
    ("--locked was passed", r"lock file .* needs to be updated but --(?:locked|frozen) was passed"),
    ("because --locked", r"cannot update the lock file .* because --(?:locked|frozen) was passed"),
    ("deployment mode after changing", r"(?i)in deployment mode after changing\s*(?:your)?"),
    ("the lockfile", r"(?i)(?:the dependencies in your gemfile changed|lockfile.* frozen)"),
    ("is not present in the lock file", r"Required package .* is not present in the lock file"),
    ("lock file does not contain", r"(?i)lock file does not contain a compatible set"),
    ("is out of sync", r"(?P<name>Gopkg\.lock|glide\.lock) is out of sync"),
    ("gopkg.lock", r"(?P<name>Gopkg\.lock|Gopkg\.toml).*(?:out of sync|hash of .* changed)"),
    ("requires a lockfile", r"(?i)requires an? (?:existing )?lock ?file"),
    ("only be installed using", r"(?i)missing:? .* from lock file"),
)


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    found = failure.log.find(*_SIGNS, last=80)
    if found is None:
        return None
    name = found.groupdict().get("name") or "the lock file"
    named = f"`{name}`" if name != "the lock file" else name
    if "hashes" in found.string.lower():
        return Cause(
            "lock-file",
            "a package is not the one whose hash is in the requirements",
            "the file was made elsewhere, for another platform, or the package has changed",
            "make the hashes again where the build runs: `pip-compile --generate-hashes`",
        )
    return Cause(
        "lock-file",
        f"{named} does not fit what it belongs to, or is not there",
        "the command installs exactly what a lock file says, and changes none",
        "renew it outside the build, commit it, and COPY it together with its manifest",
    )
