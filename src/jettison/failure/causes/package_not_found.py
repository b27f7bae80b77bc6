"""A package manager knows no package of that name, or not in that version."""

from __future__ import annotations

import re

from jettison.errors import Cause
from jettison.failure.base import Failure, quoted
from jettison.failure.log import Sign

_NAME = r"(?P<name>@?[\w.+:/@~^<>=-]+)"

_APT = (
    ("unable to locate package", rf"E: Unable to locate package {_NAME}"),
    ("installation candidate", rf"E: Package '{_NAME}' has no installation candidate"),
    ("has no installation candidate", rf"E: Package {_NAME} has no installation candidate"),
    ("was not found", rf"E: Version '(?P<version>[^']+)' for '{_NAME}' was not found"),
    ("find any package by", rf"E: Couldn't find any package by (?:glob|regex) '{_NAME}'"),
    ("couldn't find package", rf"E: Couldn't find package {_NAME}"),
    ("build dependency", rf"E: Build-[Dd]epend.* for {_NAME} cannot be satisfied"),
    ("unable to find a source", rf"E: Unable to find a source package for {_NAME}"),
)
_APK = (
    ("no such package", rf"{_NAME} \(no such package\)"),
    ("no such package: ", rf"ERROR: No such package: {_NAME}"),
    ("(missing):", rf"{_NAME} \(missing\)"),
    ("breaks: world", rf"breaks: world\[{_NAME}"),
    ("required by: world", rf"required by: world\[{_NAME}\]"),
)
_DNF = (
    ("no package", rf"No package {_NAME} available"),
    ("no match for argument", rf"No match for argument: {_NAME}"),
    ("unable to find a match", rf"Unable to find a match: {_NAME}"),
    ("nothing to do", r"Error: Nothing to do"),
    ("not found in package names", r"not found in package names"),
    ("no provider of", rf"No provider of '{_NAME}' found"),
    ("package '", rf"^Package '{_NAME}' not found\.$"),
    ("target not found", rf"error: target not found: {_NAME}"),
    ("cannot find a package", rf"Cannot find a package: {_NAME}"),
)
_PIP = (
    ("no matching distribution", rf"No matching distribution found for {_NAME}"),
    (
        "could not find a version",
        rf"Could not find a version that satisfies the requirement {_NAME}",
    ),
    ("could not find suitable distribution", rf"Could not find suitable distribution .*'{_NAME}"),
    ("no matching distributions", rf"No matching distributions available for {_NAME}"),
    ("packagesnotfounderror", r"PackagesNotFoundError"),
    ("resolvepackagenotfound", r"ResolvePackageNotFound"),
    ("packagenotfounderror", r"PackageNotFoundError"),
    ("no packages found", r"Error: No packages found in current .* channels matching"),
    ("because there", rf"Because there (?:are no versions of|is no version of) {_NAME}"),
    ("because", rf"Because {_NAME} was not found in the package registry"),
)
_NODE = (
    ("is not in", rf"'{_NAME}' is not in (?:this|the npm) registry"),
    ("no matching version found", rf"No matching version found for {_NAME}"),
    ("couldn't find package", rf"Couldn't find package \"{_NAME}\""),
    ("couldn't find any versions", rf"Couldn't find any versions for \"{_NAME}\""),
    ("version not found", rf"npm ERR! version not found: {_NAME}"),
    ("e404", r"npm (?:ERR!|error) code E404"),
    ("404", rf"npm (?:ERR!|error) 404 .*- GET \S+/{_NAME}"),
    ("etarget", r"npm (?:ERR!|error) code ETARGET"),
    ("err_pnpm_no_matching", r"ERR_PNPM_NO_MATCHING_VERSION"),
    ("err_pnpm_fetch_404", r"ERR_PNPM_FETCH_404"),
    ("bower", rf"bower ENOTFOUND +(?:Package )?{_NAME}"),
    ("bower enorestarget", r"bower ENORESTARGET"),
    ("not found", r"error An unexpected error occurred: \"(?P<name>http\S+): Not found"),
)
_RUBY = (
    ("valid gem", rf"Could not find a valid gem '{_NAME}'"),
    ("could not find gem", rf"Could not find gem '{_NAME}"),
    ("in any of the sources", rf"Could not find {_NAME} in (?:any|locally|rubygems)"),
    ("could not be found in", rf"version of {_NAME} .*could not be found in"),
    ("has been yanked", r"but that version (?:could not be found|has been yanked|.*removed)"),
    ("could not be found", rf"Your bundle is locked to {_NAME}.*could not be found"),
    ("could not find", rf"Could not find '{_NAME}' .*(?:among|required by)"),
)
_OTHERS = (
    ("404 not found", r"go: (?P<name>\S+@\S+): reading \S+: (?:404|410)"),
    ("unknown revision", r"(?P<name>[\w-]+\.[\w./-]+@[\w.+-]+): .*unknown revision"),
    ("cannot find module providing", r"cannot find module providing package (?P<name>[\w-]+\.\S+)"),
    ("no matching versions for query", rf"{_NAME}: no matching versions for query"),
    ("does not contain package", rf"but does not contain package {_NAME}"),
    ("unrecognized import path", r"package (?P<name>[\w-]+\.[\w./-]+): unrecognized import path"),
    ("unrecognized import path", r"unrecognized import path \"(?P<name>[\w-]+\.[^\"]+)\""),
    ("invalid version", r"(?P<name>[\w-]+\.[\w./-]+@[\w.+-]+): invalid version: "),
    ("no matching package", rf"no matching package (?:named )?`{_NAME}` found"),
    (
        "failed to select a version",
        rf"failed to select a version for (?:the requirement )?`{_NAME}",
    ),
    ("could not find", rf"error: could not find `{_NAME}` in registry"),
    ("could not find artifact", rf"Could not find artifact {_NAME}"),
    ("could not resolve dependencies", r"Could not resolve dependencies for project"),
    (
        "or one of its dependencies",
        rf"Plugin {_NAME} or one of its dependencies could not be resolved",
    ),
    ("non-resolvable", r"Non-resolvable (?:parent|import) POM"),
    ("failure to find", rf"Failure to find {_NAME}"),
    ("unresolved dependency", r"unresolved dependency: (?P<name>[^\s:]+)"),
    ("could not find", rf"^\s*> +Could not find {_NAME}\.$"),
    ("could not resolve", rf"^\s*> +Could not resolve {_NAME}\.$"),
    ("was not found in any", r"Plugin (?:\[id: )?'(?P<name>[^']+)'.*was not found in any"),
    ("not found", r":: (?P<name>\S+#\S+;\S+): not found"),
    ("error downloading", r"Error downloading (?P<name>\S+:\S+)"),
    ("could not find package", rf"Could not find (?:a matching version of )?package {_NAME}"),
    ("requested package", rf"The requested package {_NAME} (?:could not be found|exists as)"),
    ("unable to find package", rf"error NU110[12]: Unable to find package {_NAME}"),
    ("unable to find version", rf"Unable to find version '[^']*' of package '{_NAME}'"),
    ("is not available", rf"package [']{_NAME}['] is not available"),
    ("couldn't find module", rf"Couldn't find module or a distribution {_NAME}"),
    ("finding", rf"! Finding {_NAME} .*failed"),
    ("no results matching", r"No results matching query were found"),
    ("no releases available", r"No releases available for package \"(?P<name>[^\"]+)\""),
    ("unknown package", rf"unknown package:? {_NAME}"),
    ("no package with name", rf"[Nn]o package (?:with name|named) ['\"]?{_NAME}"),
)

_MANAGERS: tuple[tuple[str, tuple[Sign, ...]], ...] = (
    ("apt", _APT),
    ("apk", _APK),
    ("the package manager", _DNF),
    ("the Python package index", _PIP),
    ("the npm registry", _NODE),
    ("RubyGems", _RUBY),
    ("the package manager", _OTHERS),
)


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    if "require a different python version" in failure.log:
        return None  # there are some: of another version of Python
    for manager, signs in _MANAGERS:
        found = failure.log.find(*signs, last=80)
        if found is None:
            continue
        name = (found.groupdict().get("name") or "").rstrip(".:")
        version = found.groupdict().get("version") or ""
        if signs in (_APT, _APK, _DNF):
            return _of_system(failure, manager, name, version)
        what = f"{manager} has no {quoted(name)}" if name else f"{manager} lacks a package"
        return Cause(
            "package-not-found",
            what + " that fits",
            "the name is wrong, the version was removed, or none is for this version and platform",
            "correct the name or the version; look at the package's page for what there is",
        )
    return None


def _of_system(failure: Failure, manager: str, name: str, version: str) -> Cause:
    base = failure.distribution.name or (f"`{failure.base}`" if failure.base else "this stage")
    named = quoted(name) if name else "a package"
    if manager == "the package manager":
        manager = failure.distribution.family or manager
    cut = re.match(r"([\w.+-]+?)([=<>~].*)$", name)
    if cut is not None:
        name, version = cut[1], cut[2]
    if version:
        what = f"{manager} does not have {quoted(name)} in version {quoted(version.lstrip('='))}"
        why = f"repositories keep the newest versions only; this is what {base} has today"
        return Cause("package-not-found", what, why, "ask for a version that is there, or for any")
    if manager == "apt" and _has_no_lists(failure):
        return Cause(
            "package-not-found",
            f"apt finds no package {named}",
            "the step has not fetched the lists of packages, and images have none",
            "run `apt-get update && apt-get install -y …` in one step",
        )
    return Cause(
        "package-not-found",
        f"{manager} finds no package {named}",
        f"{base} has none of that name: it was renamed, removed, or is in another repository",
        "look for its name in this release, or take a base of the release that had it",
    )


def _has_no_lists(failure: Failure) -> bool:
    text = failure.instruction
    return " update" not in text and "apt" in text and "Get:1" not in failure.log.raw
