"""The Java runtimes of a tree: their version and their modules.

In:  the path of a ``java``.
Out: ``JavaRuntime``.

Source: JEP 223 (version strings), JEP 220 and JEP 282: the file ``release`` of a run-time image.
"""

from __future__ import annotations

import re

import msgspec

from jettison.analysis.files import Files

_MAX_RELEASE = 256 << 10
_LINE = re.compile(r'^([A-Z_]+)="?([^"\n]*)"?\s*$', re.MULTILINE)
_HOME = re.compile(
    r"(?:java|jdk|jre|temurin|zulu|corretto|graalvm)[-_]?(?:1\.)?(\d{1,2})(?!\d)", re.IGNORECASE
)


class JavaRuntime(msgspec.Struct, frozen=True):
    """A Java runtime.

    Args:
        home: Its directory.
        version: As it says: ``17.0.9``, ``1.8.0_392``.
        java: The version of Java; 0 if it is not known.
        modules: Those that it has; empty if it does not say.
    """

    home: str
    version: str
    java: int
    modules: frozenset[str] = frozenset()


def java_runtime(files: Files, program: str) -> JavaRuntime | None:
    """Return the runtime that a ``java`` belongs to.

    Args:
        files: Of the tree.
        program: Its path, links followed.

    Returns:
        None if it is none that is known.
    """
    home, bin_, _ = program.rpartition("/bin/")
    if not bin_:
        return None
    home = home.removesuffix("/jre") if files.find(f"{home}/release") is None else home
    data = files.read(f"{home}/release", _MAX_RELEASE, whole=False)
    known = dict(_LINE.findall(data.decode("utf-8", "replace"))) if data else {}
    version = known.get("JAVA_VERSION", "")
    java = java_version(version)
    if not java:
        named = _HOME.findall(home)
        java = int(named[-1]) if named else 0
    return JavaRuntime(
        home, version or str(java), java, frozenset(known.get("MODULES", "").split())
    )


def java_version(version: str) -> int:
    """Return the version of Java of a version string, 0 if it is none.

    >>> java_version("17.0.9"), java_version("1.8.0_392"), java_version("21-ea"), java_version("x")
    (17, 8, 21, 0)
    """
    found = re.match(r"(?:1\.)?(\d{1,3})(?!\d)", version)
    return int(found[1]) if found is not None else 0
