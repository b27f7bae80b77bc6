"""MS311: the command of a HEALTHCHECK is not there.

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


class MS311(Rule):
    r"""The command of a HEALTHCHECK is missing or not executable.

    ## What it does
    Looks up what HEALTHCHECK executes in the final image, in exec form and in shell form.

    ## Why is this bad
    The check fails each time, so the container counts as unhealthy and is restarted or gets no
    traffic, though the program in it works. Small base images have no `curl`.

    ## Example
        FROM scratch
        COPY server /server
        HEALTHCHECK CMD ["curl", "-f", "http://localhost:8080/healthz"]
        ENTRYPOINT ["/server"]

    ## Use instead
        FROM scratch
        COPY server /server
        HEALTHCHECK CMD ["/server", "healthcheck"]
        ENTRYPOINT ["/server"]
    """

    id = "MS311"
    title = "The command of HEALTHCHECK is in the image"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Return the first thing that the check fails at."""
        return missing.findings(self, subject, frozenset({Command.HEALTHCHECK}))
