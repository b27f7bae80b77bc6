"""What is said of a server that cannot be reached, and whether it is asked again."""

from __future__ import annotations

import socket
import ssl

import pytest
from urllib3 import HTTPSConnectionPool, exceptions

from jettison.oci.url import Url
from jettison.registry.connection_error import FINAL, unreachable

URL = Url.parse("https://r.example:5000/v2/")
POOL = HTTPSConnectionPool("r.example", 5000)


def refused() -> Exception:
    error = exceptions.NewConnectionError(POOL, "no")  # type: ignore[arg-type]
    error.__cause__ = ConnectionRefusedError(111, "Connection refused")
    return error


@pytest.mark.parametrize(
    ("error", "reason", "hint", "again"),
    [
        (refused(), "connection refused", "check the network", True),
        (
            exceptions.NameResolutionError("r.example", POOL, socket.gaierror("x")),  # type: ignore[arg-type]
            "its name does not resolve",
            "check the network",
            False,
        ),
        (exceptions.ReadTimeoutError(POOL, "/", ""), "no answer within 7 seconds", "check", True),
        (exceptions.ProxyError("x", OSError()), "the proxy refuses", "HTTPS_PROXY", True),
        (
            exceptions.SSLError(ssl.SSLCertVerificationError("[SSL: CERTIFICATE_VERIFY_FAILED]")),
            "TLS fails",
            "`/etc/docker/certs.d/r.example:5000/ca.crt`",
            False,
        ),
        (
            exceptions.SSLError(ssl.SSLError(1, "[SSL] TLSV13_ALERT_CERTIFICATE_REQUIRED")),
            "TLS fails: [SSL] TLSV13_ALERT",
            "`client.cert` and `client.key`",
            False,
        ),
        (exceptions.SSLError(ssl.SSLEOFError(8, "EOF occurred")), "TLS fails: EOF", "client", True),
        (exceptions.ProtocolError("x"), "the connection broke", "check", True),
    ],
)
def test_reasons_have_remedies_and_some_are_final(error, reason, hint, again):
    found = unreachable(URL, error, 7.0)
    assert found.message.startswith(f"cannot reach `r.example:5000`: {reason}")
    assert hint in (found.hint or "")
    assert (found.status != FINAL) is again
