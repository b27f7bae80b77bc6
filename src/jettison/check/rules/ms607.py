"""MS607: login records that are as large as the highest user id.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.check.edits import replaced
from jettison.check.rule import Rule
from jettison.check.steps import image_steps
from jettison.check.subject import Subject
from jettison.check.units import MEGABYTE, size
from jettison.findings.finding import Finding, Fix, Severity
from jettison.findings.fix import advice
from jettison.frontend.dockerfile.syntax import Run

_RECORDS = ("/var/log/lastlog", "/var/log/faillog")


class MS607(Rule):
    r"""Login records that are as large as the highest user id.

    ## What it does
    Finds `/var/log/lastlog` and `/var/log/faillog` of 1 MB and more.

    ## Why is this bad
    useradd writes a record at the place of the user's id. On a disk the file has holes, in a layer
    it is as large as it seems: gigabytes for an id of some millions.

    ## Example
        FROM busybox
        RUN mkdir -p /var/log && : "useradd -u 9999999 app" && \
            dd if=/dev/zero of=/var/log/lastlog bs=1 count=1 seek=2000000

    ## Use instead
        FROM busybox
        RUN mkdir -p /var/log && : "useradd --no-log-init -u 9999999 app"
    """

    id = "MS607"
    title = "Login records are small"
    hadolint = frozenset({"DL3046"})

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield login records that are large."""
        shown = subject.provenance.image.visible
        steps = {step.position: step for step in subject.fact(image_steps)}
        for path in _RECORDS:
            seen = shown.entries.get(path)
            if seen is None or shown.size(seen) < MEGABYTE:
                continue
            step = steps.get(seen.layer)
            fixes: tuple[Fix, ...] = ()
            if step is not None and isinstance(step.instruction, Run):
                fixes = replaced(subject, step, r"\buseradd\s+(?!-l)", "useradd --no-log-init ")
            yield self.finding(
                Severity.WARNING,
                f"`{path}` takes {size(shown.size(seen))} of the layer and is almost empty",
                span=step.span if step is not None and step.record.line else None,
                path=path,
                stage=subject.final.label,
                fixes=fixes or advice("use useradd --no-log-init, or remove it in the same RUN"),
            )
