"""Secrets are taken out of texts before they get into an attestation.

In:  what a build knows to be secret.
Out: the same values without it, whatever they are nested in.

Longer secrets go first: what is a part of another must not leave the rest of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from jettison.oci.redact import redacted

MASK = "xxxxx"
_SHORTEST, _SHORTEST_LINE = 4, 8
"""Of what is looked for: a secret of one letter would take that letter out of every word."""
_COMPUTED = frozenset({"digest"})
"""Members whose texts nobody has written."""


class Masker:
    """Masks what is secret.

    Args:
        secrets: Texts; lines of those that have several are secret, too.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        found: set[str] = set()
        for each in map(str.strip, secrets):
            lines = (line.strip() for line in each.splitlines())
            found |= {line for line in lines if len(line) >= _SHORTEST_LINE}
            found |= {each} if len(each) >= _SHORTEST else set()
        self._secrets = sorted(found, key=len, reverse=True)

    def text(self, text: str) -> str:
        """Return a text without secrets and without credentials of URLs.

        >>> Masker(["hunter2"]).text("echo hunter2 | curl https://me:pw@host/")
        'echo xxxxx | curl https://xxxxx:xxxxx@host/'
        """
        for each in self._secrets:
            if each in text:
                text = text.replace(each, MASK)
        return redacted(text)

    def value(self, value: Any) -> Any:  # noqa: ANN401 - JSON
        """Return JSON without secrets: in values, and in names of members."""
        match value:
            case str():
                return self.text(value)
            case Mapping():
                return {
                    self.text(name): each if name in _COMPUTED else self.value(each)
                    for name, each in value.items()
                }
            case list() | tuple():
                return [self.value(each) for each in value]
            case _:
                return value
