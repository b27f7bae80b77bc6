"""Flags that are refused: by command, the reason and the way here.

In:  nothing.
Out: by the names of flags, separated by blanks, a reason and what to do instead. Flags in a row
     have the same.

These modules are imported when a command line is wrong, and when the page about flags is made.
"""

from __future__ import annotations

from collections.abc import Mapping

Reasons = Mapping[str, tuple[str, str]]
