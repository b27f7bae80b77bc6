"""Signals by their names, as docker writes them.

In:  ``SIGTERM``, ``term``, ``15``, ``SIGRTMIN+3``.
Out: numbers.

Source: signal(7); docker's ``signal.ParseSignal``.
"""

from __future__ import annotations

import signal

from jettison.errors import UsageError

_LAST = 64


def signal_number(text: str) -> int:
    """Return the number of a signal.

    Raises:
        UsageError: there is none of that name or number.

    >>> signal_number("SIGTERM"), signal_number("kill"), signal_number("2")
    (15, 9, 2)
    """
    if text.isascii() and text.isdigit() and 0 < int(text[:3]) <= _LAST:
        return int(text)
    name, plus, more = text.upper().removeprefix("SIG").partition("+")
    if plus and name == "RTMIN" and more.isdigit() and len(more) <= 2:
        number = signal.SIGRTMIN + int(more)
        if number <= signal.SIGRTMAX:
            return number
    if not plus and f"SIG{name}" in signal.Signals.__members__:
        return signal.Signals[f"SIG{name}"].value
    raise UsageError(f"invalid signal: {text}", hint="write TERM, SIGTERM or 15")
