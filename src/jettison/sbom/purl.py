"""Package URLs.

In:  what a database says of a package, the distribution.
Out: ``pkg:deb/debian/bash@5.2?arch=amd64&distro=debian-12``; empty where a package has none.

Source: the package-url specification and its definitions of types; ``upstream`` as scanners of
distributions read it.
"""

from __future__ import annotations

from urllib.parse import quote

from jettison.analysis.os_release import OsRelease
from jettison.analysis.packages.base import PackageRecord
from jettison.oci.reference import Reference

_UNRESERVED = "-._~:"
_DISTRIBUTIONS = {"deb": "debian", "apk": "alpine", "rpm": ""}
_TYPES = {
    "python": "pypi",
    "go": "golang",
    "rust": "cargo",
    "java": "maven",
    **{kind: kind for kind in ("deb", "apk", "rpm", "npm", "gem", "composer", "conda", "nuget")},
}
_NAMES = {("go", "std"): "stdlib"}
_NO_VERSION = frozenset({"(devel)", ""})


def package_url(package: PackageRecord, distribution: OsRelease) -> str:
    """Return the package URL of a package; empty if its type does not have one for it.

    Args:
        package: It.
        distribution: What it is installed in.
    """
    kind = _TYPES.get(package.kind)
    if kind is None:
        return ""
    namespace, name = _name(package, distribution)
    if package.kind == "java" and not namespace:
        return ""  # a type with groups
    version = package.version if package.version not in _NO_VERSION else ""
    return _url(kind, namespace, name, version, _qualifiers(package, distribution))


def image_url(reference: Reference | None, name: str, digest: str, architecture: str) -> str:
    """Return the package URL of an image that has a manifest.

    Args:
        reference: Its name; None without one.
        name: What it is called if it has none.
        digest: Of its manifest; empty is no URL.
        architecture: It is made for.
    """
    if not digest:
        return ""
    repository = reference.name if reference is not None else ""
    last = repository.rpartition("/")[2] or name
    qualifiers = {
        "arch": architecture,
        "repository_url": repository,
        "tag": reference.tag if reference is not None else "",
    }
    return _url("oci", "", last.lower(), digest, qualifiers)


def _url(kind: str, namespace: str, name: str, version: str, qualifiers: dict[str, str]) -> str:
    parts = [quote(each, safe=_UNRESERVED) for each in namespace.split("/") if each]
    url = "/".join([f"pkg:{kind}", *parts, quote(name, safe=_UNRESERVED)])
    if version:
        url += f"@{quote(version, safe=_UNRESERVED)}"
    shown = [
        f"{key}={quote(value, safe=_UNRESERVED + '/')}"
        for key, value in sorted(qualifiers.items())
        if value
    ]
    return url + (f"?{'&'.join(shown)}" if shown else "")


def _name(package: PackageRecord, distribution: OsRelease) -> tuple[str, str]:
    """Return namespace and name, as the type of the package writes them."""
    name = _NAMES.get((package.kind, package.name), package.name)
    match package.kind:
        case "deb" | "apk" | "rpm":
            noted = dict(package.qualifiers).get("distro", "").partition("-")[0]
            namespace = noted or distribution.id or _DISTRIBUTIONS[package.kind]
            return namespace, name if package.kind == "rpm" else name.lower()
        case "python":
            return "", name.lower().replace("_", "-")
        case "go" | "composer":
            namespace, _, last = name.lower().rpartition("/")
            return namespace, last
        case "npm":
            namespace, _, last = name.rpartition("/")
            return namespace, last
        case "java":
            namespace, _, last = name.rpartition(":")
            return namespace, last
        case _:
            return "", name


def _qualifiers(package: PackageRecord, distribution: OsRelease) -> dict[str, str]:
    found = dict(package.qualifiers)
    if package.kind in _DISTRIBUTIONS:
        found["arch"] = package.architecture
        if distribution.id and "distro" not in found:
            parts = (distribution.id, distribution.version_id)
            found["distro"] = "-".join(filter(None, parts))
        source = package.source or (package.name if package.source_version else "")
        if source:
            found["upstream"] = "@".join(filter(None, (source, package.source_version)))
    return found
