"""Keys that detach from a container, found in what is typed.

In:  docker's text of a sequence, ``ctrl-p,ctrl-q``; bytes as they are typed.
Out: the bytes that are for the container, and whether the sequence was among them.

Source: docker's documentation of ``--detach-keys``.
"""

from __future__ import annotations

from jettison.errors import UsageError

USUAL = "ctrl-p,ctrl-q"
_CONTROL = "@abcdefghijklmnopqrstuvwxyz[\\]^_"


def parse_keys(text: str) -> bytes:
    r"""Return the bytes of a sequence.

    >>> parse_keys("ctrl-p,ctrl-q"), parse_keys("ctrl-@,x")
    (b'\x10\x11', b'\x00x')

    Raises:
        UsageError: it is none.
    """
    keys = bytearray()
    for key in text.split(","):
        name = key.removeprefix("ctrl-")
        if len(key) == 1 and key.isascii():
            keys += key.encode()
        elif key != name and len(name) == 1 and name in _CONTROL:
            keys.append(_CONTROL.index(name))
        else:
            raise UsageError(
                f"invalid detach keys ({text}): unknown character: `{key}`",
                hint="write letters, or ctrl- and a letter: `ctrl-p,ctrl-q`",
            )
    return bytes(keys)


class DetachKeys:
    """Looks for a sequence; what may be its beginning is held back.

    Args:
        keys: The sequence.
    """

    def __init__(self, keys: bytes) -> None:
        self._keys = keys
        self._seen = 0

    def take(self, data: bytes) -> tuple[bytes, bool]:
        """Return what is for the container, and whether the user detaches; the rest is nobody's."""
        passed = bytearray()
        for byte in data:
            if byte != self._keys[self._seen]:
                passed += self._keys[: self._seen]
                self._seen = 0
            if byte == self._keys[self._seen]:
                self._seen += 1
                if self._seen == len(self._keys):
                    return bytes(passed), True
            else:
                passed.append(byte)
        return bytes(passed), False
