"""A program refuses to run as root."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure, quoted

_SIGNS = (
    ("esudo", r"bower ESUDO"),
    ("as root", r"(?i)(?:cannot|can't|must not|should not|do not|don't|not allowed to|refus\w+ to) (?:be )?run (?:this |(?!composer|bundler)\w+ )?(?:script )?as (?:the )?\"?root"),
    ("as root is not", r"(?i)running \w*\s?as (?:\")?root(?:\")? (?:is not|without)"),
    ("as root", r"(?i)Don't run this as root"),
    ("as root", r"(?i)(?:execution|run) .*as .?root.? is not permitted"),
    ("cannot wrap", r"npm ERR! .*unsafe-perm"),
    ("configure as root", r"you should not run configure as root"),
)  # fmt: skip


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    found = failure.log.find(*_SIGNS, last=40)
    if found is None:
        return None
    return Cause(
        "refuses-root",
        f"a program refuses to run as root: {quoted(found.string)}",
        "steps run as root unless USER says otherwise",
        "`RUN useradd -m build` and `USER build`, or its flag: `--allow-root`, `--unsafe-perm`",
    )
