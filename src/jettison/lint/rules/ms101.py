"""MS101: a ``from`` that is almost the name of a stage.

In:  a ``LintFile``.
Out: findings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from jettison.findings.finding import Finding, Fix, FixKind, Severity
from jettison.frontend.dockerfile.text import near_name
from jettison.lint.bases import OFFICIAL
from jettison.lint.file import LintFile
from jettison.lint.graph import Reading, readings
from jettison.lint.own import OwnRule


class MS101(OwnRule):
    r"""A `from` that is almost the name of a stage.

    ## What it does
    Finds `--from` of COPY, and `from` of a mount, that no stage is called, and that differs from
    the name of a stage by a letter or two. Images that are here, and the official ones, are no
    misspelt stages.

    ## Why is this bad
    A name that no stage has means an image. The build asks a registry for it and fails, or copies
    from an image of somebody else's.

    ## Example
        FROM golang:1.23 AS builder
        RUN go build -o /app .
        FROM scratch
        COPY --from=buidler /app /app

    ## Use instead
        FROM golang:1.23 AS builder
        RUN go build -o /app .
        FROM scratch
        COPY --from=builder /app /app
    """

    name = "MS101"
    description = "Every `from` means a stage of the file or an image"
    hadolint = frozenset({"DL3022"})
    severity = Severity.ERROR

    def check(self, file: LintFile) -> Iterable[Finding]:
        """Yield what reads from a stage that is not there and almost is."""
        names = [stage.first.stage_name for stage in file.stages]
        for stage in file.checked_stages:
            for reading in readings(file, stage):
                near = near_name(reading.name, names) if _is_unknown(file, reading) else ""
                if near:
                    yield self.found(
                        f"There is no stage `{reading.name}`: did you mean `{near}`?",
                        reading.instruction.span,
                        cause=(f"`{reading.name}` means an image of that name",),
                        fixes=_fixes(file, reading, near),
                        stage=stage.label,
                    )


def _is_unknown(file: LintFile, reading: Reading) -> bool:
    """Tell whether a name is neither that of a stage nor of an image that somebody could mean."""
    name = reading.name
    if reading.stage is not None or re.search(r"[/:@$]", name) or name.isdigit():
        return False
    if name.lower() in OFFICIAL or name == "context":
        return False
    image = file.context.image
    return image is None or image(name, file.context.platform) is None


def _fixes(file: LintFile, reading: Reading, near: str) -> tuple[Fix, ...]:
    span = reading.instruction.span
    last = max(span.line, span.end_line)
    lines = file.dockerfile.text.split("\n")[span.line - 1 : last]
    pattern = rf"(\bfrom=\"?){re.escape(reading.name)}(?![\w.-])"
    text = re.sub(pattern, rf"\g<1>{near}", "\n".join(lines), count=1)
    return (Fix(FixKind.REPLACE, text, span.line, last),)
