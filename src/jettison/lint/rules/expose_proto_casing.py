"""ExposeProtoCasing: protocols of EXPOSE with capital letters.

In:  a ``LintFile``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.findings.finding import Finding
from jettison.lint.file import LintFile
from jettison.lint.rule import Rule


class ExposeProtoCasing(Rule):
    r"""Protocols of EXPOSE with capital letters.

    ## What it does
    Finds protocols of EXPOSE with capital letters.

    ## Why is this bad
    The config of an image has them in lower case; others may not be recognised.

    ## Example
        EXPOSE 80/TCP

    ## Use instead
        EXPOSE 80/tcp
    """

    name = "ExposeProtoCasing"
    description = "Protocols of EXPOSE are in lower case"

    def check(self, file: LintFile) -> Iterable[Finding]:
        """Yield ports whose protocol has capitals."""
        for port, span in file.exposed_ports():
            protocol = port.partition("/")[2]
            if protocol != protocol.lower():
                yield self.finding(
                    f"Defined protocol '{port}' in EXPOSE instruction should be lowercase", span
                )
