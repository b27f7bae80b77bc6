"""Where an engine listens, as docker's users write it.

In:  ``unix:///run/docker.sock``, ``tcp://host:2376``, ``ssh://user@host``; certificates.
Out: ``EngineAddress``.

Source: docker's manual, "Protect the Docker daemon socket"; docker/cli, cli/connhelper/ssh.
Security: a host or user that a program could take for one of its options is refused.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import msgspec

from jettison.errors import UsageError

PORT, TLS_PORT = 2375, 2376

_HOST = re.compile(
    r"(?:([A-Za-z0-9_.][A-Za-z0-9_.@-]*)@)?(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_][A-Za-z0-9_.-]*)(?::([0-9]{1,5}))?"
)
_FORMS = "unix:///run/docker.sock, tcp://HOST:PORT or ssh://USER@HOST"


class TlsFiles(msgspec.Struct, frozen=True):
    """Certificates of a connection to an engine.

    Args:
        directory: Has ``ca.pem``, ``cert.pem`` and ``key.pem``, each if it is there.
        verify: Whether the engine's certificate is checked.
    """

    directory: Path
    verify: bool = True


class EngineAddress(msgspec.Struct, frozen=True):
    """Where an engine listens.

    Args:
        text: As written, for people.
        scheme: How it is reached.
        path: Of the socket; with ssh, of the socket over there, empty for its default.
        host, port, user: Of a machine; port 0 is ssh's own.
        tls: Certificates; None is without TLS.
    """

    text: str
    scheme: Literal["unix", "tcp", "ssh"]
    path: str = ""
    host: str = ""
    port: int = 0
    user: str = ""
    tls: TlsFiles | None = None

    @property
    def is_near(self) -> bool:
        """Tell whether the engine may be on this machine, and reach a port of it."""
        return self.scheme == "unix"


def parse_address(text: str, tls: TlsFiles | None = None) -> EngineAddress:
    """Return the address that a text is.

    Args:
        text: As in DOCKER_HOST.
        tls: Certificates, for what is reached by TCP.

    Raises:
        UsageError: it is none.

    >>> parse_address("tcp://build.example:2375").port, parse_address("unix:///run/x").path
    (2375, '/run/x')
    """
    scheme, separator, rest = text.partition("://")
    if not separator or len(text) > 1000 or not rest.isprintable():
        raise _malformed(text)
    if scheme == "unix":
        if not rest.startswith("/"):
            raise _malformed(text)
        return EngineAddress(text, "unix", path=rest)
    authority, slash, path = rest.partition("/")
    match = _HOST.fullmatch(authority)
    if match is None or int(match[3] or 0) > 65535:
        raise _malformed(text)
    user, host, port = match[1] or "", match[2].strip("[]"), int(match[3] or 0)
    if scheme == "ssh":
        return EngineAddress(text, "ssh", slash + path if path else "", host, port, user)
    if scheme not in {"tcp", "http", "https"} or path or user:
        raise _malformed(text)
    if scheme == "https" and tls is None:
        tls = TlsFiles(Path("/nonexistent"))  # the system's authorities, no certificate of ours
    return EngineAddress(text, "tcp", host=host, port=port or (TLS_PORT if tls else PORT), tls=tls)


def _malformed(text: str) -> UsageError:
    shown = "".join(each for each in text[:100] if each.isprintable())
    return UsageError(f"`{shown}` is no address of an engine", hint=f"write {_FORMS}")
