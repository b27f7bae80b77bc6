"""A cause as it is found, before steps are gathered under it.

In:  nothing.
Out: ``Finding``.
"""

from __future__ import annotations

import msgspec

from jettison.why.explanation import FileChange


class Finding(msgspec.Struct, frozen=True):
    """A cause; fields as in ``RootCause``, but for the steps.

    Two findings of one ``identity`` are one cause.
    """

    cause: str
    text: str
    vertex: str = ""
    line: int = 0
    subject: str = ""
    before: str = ""
    after: str = ""
    files: tuple[FileChange, ...] = ()
    identity: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, ...]:
        """By what it differs from others."""
        return self.identity or (self.cause, self.subject)
