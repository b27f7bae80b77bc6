"""Text that others wrote, made safe for terminals.

In:  names of programs, histories of images, output of steps: anything.
Out: the same with control characters, escape sequences, marks that reverse the order of writing
     and bytes that are no UTF-8 as text.
"""

from __future__ import annotations


def printable(text: str, *, keep: str = "") -> str:
    r"""Return text that cannot steer a terminal: control characters are shown, not sent.

    >>> printable("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    allowed = "\t" + keep
    if text.isprintable() or all(char.isprintable() or char in allowed for char in text):
        return text
    return "".join(
        char if char.isprintable() or char in allowed else repr(char)[1:-1] for char in text
    )


def printable_bytes(text: bytes) -> bytes:
    """Return the same for a line of bytes."""
    return printable(text.decode("utf-8", "surrogateescape")).encode()
