"""What a probe came to.

In:  nothing.
Out: ``Probed``, a part of the result of a build.
"""

from __future__ import annotations

import msgspec

from jettison.findings.finding import Finding


class Probed(msgspec.Struct, frozen=True):
    """The result of a probe.

    Args:
        ok: Whether the image did what was wanted of it.
        text: What it did, one line.
        notes: What else is to be known, a line each.
        foreseen: Ids of rules that said so before.
        refuted: Findings that it disproves: mistakes of ours.
        output: What the container wrote last, of one that failed.
    """

    ok: bool
    text: str
    notes: tuple[str, ...] = ()
    foreseen: tuple[str, ...] = ()
    refuted: tuple[Finding, ...] = ()
    output: str = ""
