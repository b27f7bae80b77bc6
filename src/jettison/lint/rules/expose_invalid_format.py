"""ExposeInvalidFormat: addresses and ports of the host in EXPOSE.

In:  a ``LintFile``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.findings.finding import Finding
from jettison.lint.file import LintFile
from jettison.lint.rule import Rule


class ExposeInvalidFormat(Rule):
    r"""Addresses and ports of the host in EXPOSE.

    ## What it does
    Finds addresses and ports of the host in EXPOSE.

    ## Why is this bad
    They have no effect: EXPOSE only documents ports, which `run --publish` maps. They will
    not be accepted for ever.

    ## Example
        EXPOSE 127.0.0.1:8080:80

    ## Use instead
        EXPOSE 80
    """

    name = "ExposeInvalidFormat"
    description = "EXPOSE names ports of the container only"

    def check(self, file: LintFile) -> Iterable[Finding]:
        """Yield ports with an address or a port of the host."""
        for port, span in file.exposed_ports():
            if ":" in port:
                yield self.finding(
                    "EXPOSE instruction should not define an IP address or host-port mapping, "
                    f"found '{port}'",
                    span,
                )
