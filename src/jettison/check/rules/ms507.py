"""MS507: the image runs as root.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.check.rule import Rule
from jettison.check.subject import Subject
from jettison.findings.finding import Finding, Fix, FixKind, Severity
from jettison.oci.config import ContainerConfig

_ROOT = {"", "0", "root"}


class MS507(Rule):
    r"""The image runs as root.

    ## What it does
    Finds images whose program is started by root: without USER, or with one that is root.

    ## Why is this bad
    What breaks into the program has all rights inside of the container, may change its files, and
    is one fault of the kernel away from the machine.

    ## Example
        FROM python:3.11-slim
        COPY app.py /
        CMD ["python", "/app.py"]

    ## Use instead
        FROM python:3.11-slim
        COPY app.py /
        USER 65532:65532
        CMD ["python", "/app.py"]
    """

    id = "MS507"
    title = "The image does not run as root"
    hadolint = frozenset({"DL3002"})

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield one finding: a note, as most images do."""
        if not runs_as_root(subject.config) or not (
            subject.config.entrypoint or subject.config.cmd
        ):
            return
        user = subject.config.user.partition(":")[0]
        said = f"USER is `{user}`" if user else "there is no USER"
        fix = Fix(FixKind.INSERT, "USER 65532:65532", subject.end) if subject.was_built else None
        yield self.finding(
            Severity.NOTE,
            f"the image runs as root: {said}",
            stage=subject.final.label,
            fixes=(fix,) if fix is not None else (),
        )


def runs_as_root(config: ContainerConfig) -> bool:
    """Tell whether a container's program is started by root."""
    return config.user.partition(":")[0] in _ROOT
