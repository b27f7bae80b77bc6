"""Findings: what a rule says about a place in a file.

In:  nothing.
Out: ``Finding``, which runners collect and formats print.
"""

from __future__ import annotations

import msgspec

from jettison.errors import Span


class Finding(msgspec.Struct, frozen=True):
    """One thing that a rule found.

    Args:
        rule: The rule's name, as ``# check=skip=`` wants it.
        detail: What is wrong here.
        span: Where.
        description: What the rule is about, whatever it found.
        url: Where the rule is explained; empty without a page.
    """

    rule: str
    detail: str
    span: Span
    description: str = ""
    url: str = ""
