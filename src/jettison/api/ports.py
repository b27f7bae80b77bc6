"""Published ports: connections to one port of the host go to another one.

In:  ``-p [IP:]HOST:CONTAINER[/PROTO]``.
Out: a listener for as long as the container runs.

With the host's network a container's port is the host's, so only two different ports need this.
"""

from __future__ import annotations

import re
import socket
import threading
from typing import Self

import msgspec

from jettison.errors import HostError, UsageError
from jettison.sandbox.spec import NetworkMode

_FORM = re.compile(r"(?:(?P<ip>[0-9.]+|\[[0-9a-fA-F:]+\]):)?(?:(?P<host>\d+):)?(?P<container>\d+)(?:/(?P<proto>\w+))?")
_CHUNK = 1 << 16


class Publish(msgspec.Struct, frozen=True):
    """One published TCP port."""

    ip: str
    host: int
    container: int


def parse_publish(text: str) -> Publish:
    """Return what ``-p`` names.

    Raises:
        UsageError: malformed, or not TCP.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise UsageError(f"port `{text}` is malformed", hint="write HOST:CONTAINER, such as 8080:80")
    if (match["proto"] or "tcp").lower() != "tcp":
        raise UsageError(f"port `{text}`: only TCP ports can be published")
    container = int(match["container"])
    host = int(match["host"] or container)
    if not (0 < container < 65536 and 0 < host < 65536):
        raise UsageError(f"port `{text}` is not between 1 and 65535")
    return Publish((match["ip"] or "0.0.0.0").strip("[]"), host, container)  # noqa: S104 - docker's default


class Forwarder:
    """Listens while its block runs, if there is something to do."""

    def __init__(self, rule: Publish, network: NetworkMode) -> None:
        if network is NetworkMode.NONE:
            raise UsageError("a container without a network cannot publish ports")
        self._rule = rule
        self._listener: socket.socket | None = None

    def __enter__(self) -> Self:
        rule = self._rule
        if rule.host == rule.container:
            return self
        family = socket.AF_INET6 if ":" in rule.ip else socket.AF_INET
        try:
            self._listener = socket.create_server((rule.ip, rule.host), family=family)
        except OSError as error:
            raise HostError(
                f"cannot listen on {rule.ip}:{rule.host}: {error.strerror}",
                hint="publish another port of the host",
            ) from error
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return  # closed: the container ended
            threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        with client:
            try:
                server = socket.create_connection(("127.0.0.1", self._rule.container), timeout=10)
            except OSError:
                return  # nobody listens yet; the client sees a closed connection
            with server:
                server.settimeout(None)
                back = threading.Thread(target=_relay, args=(server, client), daemon=True)
                back.start()
                _relay(client, server)
                back.join()


def _relay(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(_CHUNK):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return  # one side is gone
