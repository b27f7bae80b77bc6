"""Which parts of the build cache are meant by ``--filter``, as BuildKit reads it.

In:  conditions on fields of rows of ``du``.
Out: whether a row is meant.

Source: buildx, ``util/buildflags`` and containerd's filters: all conditions hold; ``=`` and ``!=``
compare, ``~=`` is a regular expression that matches somewhere.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from jettison.api.disk import DiskRow

Operator = Literal["=", "!=", "~="]
SWITCHES = ("inuse", "shared", "private", "mutable", "immutable")
"""Fields that are true or false."""
TEXTS = ("id", "type", "description")
"""Fields that are texts."""


class Condition(msgspec.Struct, frozen=True):
    """One condition.

    Args:
        field: Of ``TEXTS`` or ``SWITCHES``.
        operator: How it is compared.
        value: With what; ``true`` or ``false`` for a switch. An ``id`` fits by its beginning.
    """

    field: str
    operator: Operator
    value: str

    def fits(self, row: DiskRow) -> bool:
        """Tell whether a row is as the condition says."""
        if self.field in SWITCHES:
            found = _is(row, self.field) is (self.value == "true")
        elif self.operator == "~=":
            return any(re.search(self.value, text) for text in _texts(row, self.field))
        elif self.field == "id":
            found = any(text.startswith(self.value) for text in _texts(row, "id"))
        else:
            found = self.value in _texts(row, self.field)
        return found is not (self.operator == "!=")


class DiskFilter(msgspec.Struct, frozen=True):
    """What a row must be to be meant.

    Args:
        conditions: Of several ``=`` about one field one must hold, of the others all.
        used_before_ns: It was not used later, nanoseconds since the epoch; None takes any.
    """

    conditions: tuple[Condition, ...] = ()
    used_before_ns: int | None = None

    def fits(self, row: DiskRow) -> bool:
        """Tell whether a row is meant.

        >>> row = DiskRow("content:sha256:ab12", 1, "image", "[1/2] RUN make", 0)
        >>> named, made = Condition("id", "=", "ab1"), Condition("description", "~=", "make$")
        >>> DiskFilter((named, made)).fits(row), DiskFilter(used_before_ns=-1).fits(row)
        (True, False)
        """
        if self.used_before_ns is not None and row.used_ns > self.used_before_ns:
            return False
        either: dict[str, bool] = {}
        for each in self.conditions:
            fits = each.fits(row)
            if each.operator == "=":
                either[each.field] = either.get(each.field, False) or fits
            elif not fits:
                return False
        return all(either.values())

    @property
    def is_empty(self) -> bool:
        """Whether everything is meant."""
        return not self.conditions and self.used_before_ns is None


def _is(row: DiskRow, switch: str) -> bool:
    match switch:
        case "inuse":
            return row.in_use
        case "shared":
            return row.is_shared
        case "private":
            return not row.is_shared
        case "mutable":
            return row.is_mutable
        case _:
            return not row.is_mutable


def _texts(row: DiskRow, field: str) -> tuple[str, ...]:
    match field:
        case "id":
            return row.id, row.id.rpartition(":")[2]
        case "type":
            return (row.kind,)
        case _:
            return (row.name,)


EVERYTHING = DiskFilter()
