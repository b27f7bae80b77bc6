"""What rules know of secrets: where known values are, and files that look as if they held one.

In:  nothing.
Out: ``SecretFacts``, a protocol; ``Leak``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from jettison.analysis.secrets.content import SecretFile


class Leak(msgspec.Struct, frozen=True):
    """A known secret where it must not be.

    Args:
        secret: What it is: ``secret `token```.
        length: Of its value, in bytes.
        form: How it is written.
        position: Number of the layer in the image; -1 outside of layers.
        path: In the layer.
        documents: Outside of layers what holds it: ``config``, ``history``, …
        line: Of the Dockerfile, where it is known from a document; 0 if not.
    """

    secret: str
    length: int
    form: str
    position: int = -1
    path: str = ""
    documents: tuple[str, ...] = ()
    line: int = 0


class SecretFacts(Protocol):
    """Tells of the layers that a build made."""

    def leaks(self) -> Sequence[Leak]:
        """Return where known secrets are."""
        ...

    def files(self, position: int) -> Sequence[SecretFile]:
        """Return what looks like a secret in a layer, by its number in the image."""
        ...


class _Nothing:
    """Knows of nothing."""

    def leaks(self) -> Sequence[Leak]:
        """Return nothing."""
        return ()

    def files(self, position: int) -> Sequence[SecretFile]:
        """Return nothing."""
        return ()


NO_SECRET_FACTS: SecretFacts = _Nothing()
