"""Packages want versions of each other that do not go together."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure, quoted

_NPM = (
    ("eresolve", r"npm (?:ERR!|error) (?:code )?ERESOLVE"),
    ("epeerinvalid", r"npm ERR! (?:code )?EPEERINVALID"),
    ("peerinvalid", r"npm ERR! peerinvalid"),
)
_SIGNS = (
    ("resolutionimpossible", r"ResolutionImpossible"),
    ("conflicting dependencies", r"(?i)have conflicting dependencies"),
    ("versionconflict", r"(?:Contextual)?VersionConflict"),
    ("doublerequirement", r"Double requirement given"),
    ("is installed but", r"error: (?P<name>.* is installed but .* is required by)"),
    ("installed but", r"(?i)installed distribution .* conflicts with"),
    ("bundler could not find compatible", r"Bundler could not find compatible versions"),
    ("could not find compatible versions", r"Could not find compatible versions"),
    ("could not be resolved", r"Your requirements could not be resolved to an installable set"),
    ("unmet dependencies", r"(?i)following packages have unmet dependencies"),
    ("held broken packages", r"you have held broken packages"),
    ("unmet dependencies. try", r"Unmet dependencies\. Try"),
    ("unsatisfiableerror", r"UnsatisfiableError"),
    (
        "following specifications were found",
        r"following specifications were found to be (?:incompatible|in conflict)",
    ),
    ("conflicting requests", r"conflicting requests"),
    ("nothing provides", r"nothing provides (?P<name>.*) needed by"),
    ("requires:", r"Error: Package: .*"),
    ("package conflicts", r"(?i)transaction (?:check|test) error"),
    ("file ", r"file \S+ (?:from install of|conflicts between)"),
    ("trying to overwrite", r"trying to overwrite '(?P<name>[^']+)', which is also in package"),
    ("conflicts:", r"^\s+conflicts: "),
    ("breaks:", r"^\s+breaks: "),
    ("requires typescript", r"requires TypeScript >="),
    ("version solving failed", r"version solving failed"),
    ("because no versions", r"(?:So,|And) because .* requires"),
    ("unable to find a suitable version", r"Unable to (?:find a suitable|resolve) version"),
    ("unable to find suitable version", r"bower +ECONFLICT"),
    ("econflict", r"bower ECONFLICT"),
    ("spec ", r"SpecsConflict|SpecNotFound"),
    ("error: unsatisfiable constraints", r"ERROR: unsatisfiable constraints"),
    ("unable to select packages", r"ERROR: unable to select packages"),
    ("conflicting values set for option", r"Conflicting values set"),
    ("no versions of", r"No versions? of \S+ (?:met|match)"),
    ("was requested, but", r"NU1107|Version conflict detected for"),
)
_DISTUTILS = (
    ("distutils installed project", r"Cannot uninstall '?(?P<name>[\w.-]+)'?\. It is a distutils"),
    ("cannot uninstall", r"Cannot uninstall '?(?P<name>[\w.-]+)'?[ ,.].*RECORD"),
)


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    found = failure.log.find(*_DISTUTILS, last=40)
    if found is not None:
        return Cause(
            "dependency-conflict",
            f"pip cannot replace {quoted(found['name'])}, which the distribution installed",
            "the system's packages do not say which files are theirs",
            "install into a virtual environment, or with `--ignore-installed`",
        )
    if failure.log.find(*_NPM, last=80):
        return Cause(
            "dependency-conflict",
            "npm packages want versions of a peer that do not go together (ERESOLVE)",
            "npm 7 and later refuse this; earlier ones went on with a warning",
            "align the versions; to go on as before: `npm ci --legacy-peer-deps`",
        )
    found = failure.log.find(*_SIGNS, last=80)
    if found is None:
        return None
    return Cause(
        "dependency-conflict",
        "packages want versions of each other that do not go together",
        f"it says: {quoted(found.string)}",
        "loosen or align the versions, or take the base that they were written for",
    )
