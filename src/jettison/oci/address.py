"""Addresses of the Internet Protocol, as texts.

In:  a text. Out: whether it is an address.
"""

from __future__ import annotations

_LONGEST = 45


def is_ip_address(text: str) -> bool:
    """Tell whether a text is an address of IPv4 or IPv6: without brackets, zone or length.

    Source: what Go's ``net.ParseIP`` takes, which docker asks.

    >>> [is_ip_address(each) for each in ("::1", "127.1", "fe80::1%eth0")]
    [True, False, False]
    """
    from ipaddress import ip_address  # rare, and it costs 5 ms

    if len(text) > _LONGEST or "%" in text:
        return False
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
