"""Messages of the SSH agent protocol: how they are framed, and which ones a container may send.

In:  bytes of a socket.
Out: whole messages; for each request, the kinds of answers it may have.

Keys are listed and signed with. Everything else is refused: adding and removing keys, locking,
smart cards, extensions. The one extension that passes is ``session-bind@openssh.com``: it tells
the agent which host the connection leads to, so that it can only narrow what is signed, and keys
with destination constraints need it.

Source: draft-miller-ssh-agent (RFC 9987); OpenSSH PROTOCOL.agent, section 1.
Security: requests are hostile. A request passes when it is of a known kind and consists of exactly
the fields of that kind; the agent never sees any other byte.
"""

from __future__ import annotations

import socket

FAILURE = b"\x05"
MAX_MESSAGE_BYTES = 256 << 10
"""As in OpenSSH."""

_FAILURE, _SUCCESS, _EXTENSION_FAILURE = 5, 6, 28
_REQUEST_IDENTITIES, _IDENTITIES_ANSWER = 11, 12
_SIGN_REQUEST, _SIGN_RESPONSE = 13, 14
_EXTENSION = 27
_SESSION_BIND = b"session-bind@openssh.com"
_LENGTH = 4


def answers_to(request: bytes) -> frozenset[int]:
    r"""Return the kinds of messages that may answer a request; none when it is refused.

    >>> sorted(answers_to(b"\x0b"))
    [5, 12]
    >>> answers_to(b"\x13")
    frozenset()
    """
    kind, fields = request[:1], request[1:]
    if kind == bytes([_REQUEST_IDENTITIES]) and not fields:
        return frozenset({_FAILURE, _IDENTITIES_ANSWER})
    if kind == bytes([_SIGN_REQUEST]) and _is(fields, strings=2, rest=4):
        return frozenset({_FAILURE, _SIGN_RESPONSE})
    if kind == bytes([_EXTENSION]) and _is_session_bind(fields):
        return frozenset({_FAILURE, _SUCCESS, _EXTENSION_FAILURE})
    return frozenset()


def receive(source: socket.socket) -> bytes | None:
    """Return the next message without its length; None when there is none any more.

    Raises:
        OSError: the connection broke.
        ValueError: it is empty or too long, or ends in the middle.
    """
    head = _read(source, _LENGTH)
    if not head:
        return None
    length = int.from_bytes(head, "big")
    if len(head) < _LENGTH or not 0 < length <= MAX_MESSAGE_BYTES:
        raise ValueError("not a message of the agent protocol")
    message = _read(source, length)
    if len(message) < length:
        raise ValueError("a message of the agent protocol is cut")
    return message


def send(target: socket.socket, message: bytes) -> None:
    """Send one message.

    Raises:
        OSError: the connection broke.
    """
    target.sendall(len(message).to_bytes(_LENGTH, "big") + message)


def _read(source: socket.socket, count: int) -> bytes:
    """Read so many bytes, or what there is before the end."""
    data = bytearray()
    while len(data) < count and (piece := source.recv(count - len(data))):
        data += piece
    return bytes(data)


def _is_session_bind(fields: bytes) -> bool:
    name = len(_SESSION_BIND).to_bytes(_LENGTH, "big") + _SESSION_BIND
    # Host key, session identifier, signature; whether the connection is forwarded.
    return fields.startswith(name) and _is(fields[len(name) :], strings=3, rest=1)


def _is(fields: bytes, *, strings: int, rest: int) -> bool:
    """Tell whether fields are so many strings and then so many bytes, and nothing else."""
    at = 0
    for _ in range(strings):
        if len(fields) - at < _LENGTH:
            return False
        at += _LENGTH + int.from_bytes(fields[at : at + _LENGTH], "big")
    return len(fields) == at + rest
