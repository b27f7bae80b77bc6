"""The registry: every rule there is.

In:  the modules of ``check.rules``.
Out: ``RULES`` in the order of their ids.
"""

from __future__ import annotations

from jettison.check.rule import Rule
from jettison.check.rules.ms507 import MS507

RULES: tuple[Rule, ...] = (MS507(),)
