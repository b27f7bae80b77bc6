"""MS301: what ENTRYPOINT or CMD start is not there, or cannot be executed.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.analysis.entry.reached import Command
from jettison.check import missing
from jettison.check.rule import Rule
from jettison.check.subject import Subject
from jettison.findings.finding import Finding

_COMMANDS = frozenset({Command.ENTRYPOINT, Command.CMD})


class MS301(Rule):
    r"""The program that the image starts is missing or not executable.

    ## What it does
    Looks up what ENTRYPOINT and CMD start as a container's runtime does: on PATH of the image,
    relative to WORKDIR, through links. It follows programs that start others (`tini`, `env`,
    `gosu`), files that interpreters read (`python app.py`), the shell of the shell form, and the
    commands of shell scripts without which these end.

    ## Why is this bad
    The container ends at once, with status 126 or 127, or the interpreter says that there is no
    such file.

    ## Example
        FROM golang AS builder
        WORKDIR /src
        COPY . .
        RUN go build -o /out/server .

        FROM scratch
        COPY --from=builder /out/server /server
        ENTRYPOINT ["/app"]

    ## Use instead
        FROM golang AS builder
        WORKDIR /src
        COPY . .
        RUN go build -o /out/server .

        FROM scratch
        COPY --from=builder /out/server /server
        ENTRYPOINT ["/server"]
    """

    id = "MS301"
    title = "What the image starts is there and can be executed"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Return the first thing that the start fails at."""
        return missing.findings(self, subject, _COMMANDS)
