"""How layers of an image differ from those that the steps of its build made.

In:  what outputs and flags ask for.
Out: ``LayerForm``: two that are equal give equal layers.
"""

from __future__ import annotations

import msgspec

ESTARGZ = "estargz"
"""Name of a compression whose layers have a table of contents, and so other diff IDs."""


class LayerForm(msgspec.Struct, frozen=True):
    """What is done to layers.

    Args:
        epoch: Seconds since the epoch, the latest time of a file; None leaves times alone.
        exact: All times are that one.
        squash: Those of the build become one.
        estargz: They get tables of contents.
        level: Of their compressor then; None is its default.
        given: Those of the base image get tables of contents, too.
    """

    epoch: int | None = None
    exact: bool = False
    squash: bool = False
    estargz: bool = False
    level: int | None = None
    given: bool = False

    @property
    def changes(self) -> bool:
        """Whether layers become other ones."""
        return self.epoch is not None or self.squash or self.estargz


AS_MADE = LayerForm()
