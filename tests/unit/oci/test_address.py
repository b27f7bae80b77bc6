"""Which texts are addresses, as docker's parser has it."""

from __future__ import annotations

import pytest

from jettison.oci.address import is_ip_address


@pytest.mark.parametrize(
    ("text", "is_address"),
    [
        ("127.0.0.1", True),
        ("255.255.255.255", True),
        ("::", True),
        ("2001:db8::1", True),
        ("::ffff:1.2.3.4", True),
        ("0000:0000:0000:0000:0000:ffff:192.168.100.228", True),
        ("256.0.0.1", False),
        ("01.2.3.4", False),
        ("1.2.3", False),
        ("[::1]", False),
        ("fe80::1%eth0", False),
        ("10.0.0.0/8", False),
        (" 1.2.3.4", False),
        ("1.2.3.4\n", False),
        ("\N{ARABIC-INDIC DIGIT ONE}.2.3.4", False),
        ("", False),
        ("1" * 10_000_000, False),
    ],
    ids=lambda value: str(value)[:20],
)
def test_only_plain_addresses_are(text, is_address):
    assert is_ip_address(text) is is_address
