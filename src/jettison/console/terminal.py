"""The one way in which text gets to a terminal.

In:  text, parts of which others wrote: names and histories of images, output of steps, messages
     of registries, paths.
Out: the same on standard output, standard error or a console's stream, with everything shown that
     would steer a terminal: control characters, escape sequences, marks that reverse the order of
     writing, bytes that are no UTF-8.

A test makes sure that no other module of the command line writes.
"""

from __future__ import annotations

import os
import sys
from typing import TextIO

from jettison.linux.text import printable

_LINES = "\t\n"


def out(text: str) -> None:
    """Write lines for people to standard output."""
    write(sys.stdout, text)


def err(text: str) -> None:
    """Write lines for people to standard error."""
    write(sys.stderr, text)


def out_bytes(data: bytes) -> None:
    """Write what a program is to read, such as names that end in NUL, to standard output as it is.

    Only what was asked for by a flag: on a terminal it may do anything.
    """
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.flush()


def out_json(text: str) -> None:
    """Write JSON to standard output; characters that would steer a terminal are escaped."""
    write(sys.stdout, safe_json(text))


def write(stream: TextIO, text: str) -> None:
    """Write lines to a stream."""
    draw(stream, printable(text, keep="\n"))


def draw(stream: TextIO, text: str) -> None:
    """Write text that may steer a terminal: ``console.screen`` made it, of what is printable."""
    try:
        stream.write(text)
    except UnicodeEncodeError:  # of a locale that has few characters
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))


def columns() -> int:
    """Return the width of the terminal that standard output is, 0 if it is none."""
    if not sys.stdout.isatty():
        return 0
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError):
        return 0


def write_raw(stream: TextIO, data: bytes) -> None:
    """Write what a container wrote: bytes, or text where they go to a terminal.

    Args:
        stream: Standard output or standard error.
        data: Whole lines, or pieces of them.
    """
    if stream.isatty():
        write(stream, data.decode("utf-8", "surrogateescape"))
    else:
        stream.buffer.write(data)
    stream.flush()


def safe_json(text: str) -> str:
    r"""Return JSON that means the same and cannot steer a terminal.

    >>> safe_json('{"a": "\x7f\u202e"}')
    '{"a": "\\u007f\\u202e"}'
    """
    if text.isprintable() or all(char.isprintable() or char in _LINES for char in text):
        return text
    return "".join(
        char if char.isprintable() or char in _LINES else _escaped(char) for char in text
    )


def _escaped(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
