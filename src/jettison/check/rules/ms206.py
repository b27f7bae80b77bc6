"""MS206: a copy in the place of a file of the distribution.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from jettison.analysis.rootfs import Rootfs
from jettison.check.rule import Rule
from jettison.check.steps import copies
from jettison.check.subject import Subject
from jettison.findings.finding import Finding, Severity
from jettison.findings.fix import advice
from jettison.fs.visible import Hidden

_SYSTEM = re.compile(r"^(?:/usr)?/(?:bin|sbin|lib\d*|libexec)/")
_DPKG = "/var/lib/dpkg/info"
_APK = "/lib/apk/db/installed"
_MOST_BYTES = 32 << 20


class MS206(Rule):
    r"""A copy in the place of a file of the distribution.

    ## What it does
    Finds programs and libraries of the base image that a COPY replaced by others.

    ## Why is this bad
    The package's other files, and whatever was linked with the library, go with the old version.
    The next update of the package puts that back. `/usr/local` and `/opt` belong to nobody.

    ## Example
        FROM debian:bookworm-slim AS build
        RUN cp /usr/bin/who /usr/bin/id
        FROM debian:bookworm-slim
        COPY --from=build /usr/bin/id /usr/bin/id

    ## Use instead
        FROM debian:bookworm-slim AS build
        RUN cp /usr/bin/who /usr/bin/id
        FROM debian:bookworm-slim
        COPY --from=build /usr/bin/id /usr/local/bin/id
    """

    id = "MS206"
    title = "Copies leave files of the distribution alone"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield the first file of each package that a copy replaced."""
        steps = {step.position: step for step in copies(subject)}
        layers = subject.provenance.image.layers
        seen: set[tuple[int, str]] = set()
        for each in subject.provenance.image.visible.hidden:
            step = steps.get(each.by)
            if step is None or not layers[each.seen.layer].is_base or not _is_other(subject, each):
                continue
            owner = _owner(subject.image, each.path)
            if owner and (each.by, owner) not in seen:
                seen.add((each.by, owner))
                yield self.finding(
                    Severity.WARNING,
                    f"`{each.path}` of the package `{owner}` is replaced by another file",
                    span=step.span,
                    path=each.path,
                    stage=step.stage.label,
                    fixes=advice("copy it to /usr/local, which comes first in PATH"),
                )


def _is_other(subject: Subject, hidden: Hidden) -> bool:
    """Tell whether a program or library was replaced by a file with other bytes."""
    if not _SYSTEM.match(hidden.path):
        return False
    shown = subject.provenance.image.visible
    below, above = shown.layers[hidden.seen.layer], shown.layers[hidden.by]
    entry = above.index.get(hidden.path)
    if entry is None or not above.is_file(entry) or not below.is_file(hidden.seen.entry):
        return False
    if not (below.modes[hidden.seen.entry] & 0o111 or ".so" in hidden.path):
        return False
    old, new = below.digest(hidden.seen.entry), above.digest(entry)
    if old and new:
        return old != new
    return below.size(hidden.seen.entry) != above.size(entry)


def _owner(root: Rootfs, path: str) -> str:
    """Return the package that a path belongs to, by dpkg and apk; empty if none does."""
    names = {path, path.removeprefix("/usr"), f"/usr{path}"}
    files = root.files
    wanted = re.compile(b"(?m)^(?:%s)$" % b"|".join(re.escape(each.encode()) for each in names))
    for each in files.below(_DPKG):
        if each.endswith(".list"):
            data = files.read(each, _MOST_BYTES)
            if data and wanted.search(data):
                return each.rpartition("/")[2].removesuffix(".list").partition(":")[0]
    return _apk_owner(files.read(_APK, _MOST_BYTES) or b"", names)


def _apk_owner(data: bytes, names: set[str]) -> str:
    package, folder = "", ""
    for line in data.decode(errors="replace").split("\n"):
        if line.startswith("P:"):
            package = line[2:]
        elif line.startswith("F:"):
            folder = line[2:]
        elif line.startswith("R:") and f"/{folder}/{line[2:]}" in names:
            return package
    return ""
