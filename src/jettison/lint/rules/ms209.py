"""MS209: mounts of files that the ignore file excludes.

In:  a ``LintFile``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.findings.finding import Finding, Severity
from jettison.findings.fix import advice
from jettison.lint.file import LintFile
from jettison.lint.graph import mounts
from jettison.lint.own import OwnRule
from jettison.plan.op import MountType


class MS209(OwnRule):
    r"""Mounts of files that the ignore file excludes.

    ## What it does
    Finds `RUN --mount=type=bind` of a path of the build context of which the ignore file leaves
    nothing. Docker's rule CopyIgnoredFile finds the same for COPY and ADD.

    ## Why is this bad
    The file is not in the context, so the build will fail.

    ## Example
        FROM busybox
        RUN --mount=type=bind,source=./tmp/settings.json,target=/settings.json cat /settings.json

    ## Use instead
        FROM busybox
        RUN --mount=type=bind,source=./settings.json,target=/settings.json cat /settings.json
    """

    name = "MS209"
    description = "Mounts are of files that the ignore file leaves in the context"
    severity = Severity.ERROR

    def check(self, file: LintFile) -> Iterable[Finding]:
        """Yield mounts of the build context whose source is excluded."""
        is_ignored = file.context.is_ignored
        if is_ignored is None:
            return
        for stage in file.checked_stages:
            for mount, instruction in mounts(stage):
                if mount.type is not MountType.BIND or mount.from_name:
                    continue
                if mount.source and is_ignored(mount.source):
                    yield self.found(
                        f"`{mount.source}` is mounted, and the ignore file excludes it",
                        instruction.span,
                        fixes=advice(f"add `!{mount.source.lstrip('./')}` to the ignore file"),
                        stage=stage.label,
                    )
