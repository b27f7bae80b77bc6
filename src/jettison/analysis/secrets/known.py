"""Values that a build knows to be secret, and which of them can be looked for.

In:  values of secrets, passwords, build arguments.
Out: ``KnownSecrets``, what is searched for; its parts; a digest to remember searches by.

A value is looked for if it has eight bytes and 2.5 bits of entropy in each: shorter and simpler
ones are found by chance. Parts are what is secret by itself in a value that is a file: the token of
an ``.npmrc``, the key of a service account.

Security: no representation shows a value, and a digest is keyed: without the key nobody can tell a
value that they guess from others.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from functools import cached_property

from jettison.analysis.secrets.entropy import entropy

SHORTEST = 8
LEAST_ENTROPY = 2.5
"""Bits in each byte."""
_MOST_WITH_PARTS = 16 << 10


class KnownSecrets:
    """Values by name, and what of them can be looked for.

    Args:
        given: By what they are called in findings: ``secret `token```.
    """

    def __init__(self, given: Mapping[str, bytes]) -> None:
        self._given = {name: value.strip() for name, value in given.items() if value.strip()}

    def __bool__(self) -> bool:
        return bool(self._given)

    def __repr__(self) -> str:
        return f"KnownSecrets({', '.join(self._given)})"

    @cached_property
    def values(self) -> Mapping[str, bytes]:
        """What to search for, by key; a key is a number and a name."""
        found: dict[bytes, str] = {}
        for name, whole in self._given.items():
            for each in (whole, *parts(whole)):
                if is_distinct(each):
                    found.setdefault(each, name)
        return {f"{number}:{name}": value for number, (value, name) in enumerate(found.items())}

    def texts(self) -> list[str]:
        """Return all values and their parts as texts, also those that are not searched for."""
        found = dict.fromkeys((*self._given.values(), *self.values.values()))
        return [each.decode(errors="replace") for each in found]

    def name(self, key: str) -> str:
        """Return what a value is called."""
        return key.partition(":")[2]

    def length(self, key: str) -> int:
        """Return the length of a value, in bytes."""
        return len(self.values[key])

    def digest(self, key: bytes, subject: str) -> str:
        """Return what a search of a subject is remembered by: HMAC-SHA-256, in hexadecimal digits.

        Args:
            key: Of the store.
            subject: What is searched, such as the name of a layer.
        """
        mac = hmac.new(key, subject.encode(), hashlib.sha256)
        for name, value in sorted(self._given.items()):
            for each in (name.encode(), value):
                mac.update(len(each).to_bytes(8, "big") + each)
        return mac.hexdigest()


def is_distinct(value: bytes) -> bool:
    """Tell whether a value is long and varied enough not to be found by chance.

    >>> is_distinct(b"hunter2hunter3"), is_distinct(b"aaaaaaaaaaaa"), is_distinct(b"q7!xZ")
    (True, False, False)
    """
    return len(value) >= SHORTEST and entropy(value) >= LEAST_ENTROPY


def parts(value: bytes) -> Iterator[bytes]:
    """Yield what is secret by itself in the value of a secret: the body of a key, a token."""
    if len(value) > _MOST_WITH_PARTS or value.isalnum():
        return
    from jettison.analysis.secrets.files import credentials_in  # not in a cached build
    from jettison.analysis.secrets.patterns import find_secrets

    for found in find_secrets(value):
        text = value[found.begin : found.end]
        if found.what.endswith("private key"):
            yield b"".join(text.replace(b"\\n", b"\n").split())
        elif len(text) < len(value):
            yield text
    yield from credentials_in(value)
