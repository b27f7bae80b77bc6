"""The distribution's Python takes no packages from pip (PEP 668): `externally-managed-environment`."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure

_SIGNS = (
    ("externally-managed-environment", r"externally-managed-environment"),
    ("environment is externally managed", r"This environment is externally managed"),
    ("pep 668", r"See PEP 668"),
)


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    if not failure.log.find(*_SIGNS):
        return None
    return Cause(
        "externally-managed",
        "pip may not install into the distribution's Python",
        "its packages are those of the package manager (PEP 668)",
        "use a virtual environment: `RUN python3 -m venv /opt/venv`, `ENV PATH=/opt/venv/bin:$PATH`",
    )
