"""Connections to engines: unix sockets, TCP with and without TLS, ssh.

In:  an ``EngineAddress``.
Out: connected sockets; errors that say who, why, and what to do about it.

Through ssh it is docker's own way: ``ssh HOST docker system dial-stdio``, whose standard streams
are one end of a socket pair.

Concurrency: sockets are known to ``registry.sockets``, so that an interrupt of the user ends what
waits for them.
"""

from __future__ import annotations

import socket
import subprocess
import tempfile
from collections.abc import Mapping
from typing import IO, TYPE_CHECKING

from jettison.engine.address import EngineAddress
from jettison.errors import ExportError
from jettison.linux.text import printable
from jettison.registry.sockets import CONNECT_SECONDS, SOCKETS

if TYPE_CHECKING:
    import ssl

_SSH_SECONDS = 30
_SAID_BYTES = 2000


class Dialer:
    """Connects to one engine.

    Args:
        address: Of it.
        environ: For ssh.
    """

    def __init__(self, address: EngineAddress, environ: Mapping[str, str]) -> None:
        self.address = address
        self._environ = environ
        self._programs: list[tuple[subprocess.Popen[bytes], IO[bytes]]] = []

    def connect(self) -> socket.socket:
        """Return a new connection.

        Raises:
            ExportError: there is none to be had.
        """
        made = self._ssh() if self.address.scheme == "ssh" else self._socket()
        SOCKETS.watch(made)
        return made

    def close(self) -> None:
        """End the programs of connections."""
        for program, said in self._programs:
            program.terminate()
            program.wait()
            said.close()
        self._programs.clear()

    def said(self) -> str:
        """Return what the programs of connections complained of, one line."""
        for _, said in reversed(self._programs):
            said.seek(0)
            if text := said.read(_SAID_BYTES).decode("utf-8", "replace").strip():
                return printable(text.splitlines()[-1])
        return ""

    def _socket(self) -> socket.socket:
        address = self.address
        if address.scheme == "unix":
            made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            made.settimeout(CONNECT_SECONDS)
            try:
                made.connect(address.path)
            except OSError as error:
                made.close()
                raise self._unreachable(error) from error
            return made
        context = None if address.tls is None else self._tls()
        try:
            made = socket.create_connection((address.host, address.port), CONNECT_SECONDS)
        except OSError as error:
            raise self._unreachable(error) from error
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is None:
            return made
        try:
            return context.wrap_socket(made, server_hostname=address.host)
        except (OSError, ValueError) as error:
            made.close()
            reason = getattr(error, "verify_message", "") or getattr(error, "reason", "") or error
            raise ExportError(
                f"cannot reach the engine at `{address.text}`: TLS fails: {printable(str(reason))}",
                hint="see that DOCKER_CERT_PATH, or docker's context, has its `ca.pem`, and a"
                " certificate that the engine takes",
            ) from error

    def _tls(self) -> ssl.SSLContext:
        import ssl  # engines by TCP only

        files = self.address.tls
        if files is None:
            raise AssertionError("checked before")
        authorities = files.directory / "ca.pem"
        certificate, key = files.directory / "cert.pem", files.directory / "key.pem"
        try:
            context = ssl.create_default_context(
                cafile=str(authorities) if authorities.exists() else None
            )
            if not files.verify:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            if certificate.exists():
                # Without a password it would ask on the terminal.
                context.load_cert_chain(certificate, key, password="")
        except (OSError, ssl.SSLError) as error:
            reason = getattr(error, "reason", "") or error.strerror or "it is no PEM file"
            raise ExportError(
                f"cannot load the certificates in `{files.directory}`: {reason}",
                hint="it needs `ca.pem`, `cert.pem` and `key.pem`, without a password",
            ) from error
        return context

    def _ssh(self) -> socket.socket:
        address = self.address
        command = ["ssh", "-T", "-o", f"ConnectTimeout={_SSH_SECONDS}"]
        command += ["-l", address.user] if address.user else []
        command += ["-p", str(address.port)] if address.port else []
        host = ["--host", f"unix://{address.path}"] if address.path else []
        command += ["--", address.host, "docker", *host, "system", "dial-stdio"]
        ours, theirs = socket.socketpair()
        said = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the program
        try:
            end = theirs.fileno()
            program = subprocess.Popen(
                command, stdin=end, stdout=end, stderr=said, env=dict(self._environ)
            )
        except OSError as error:
            ours.close()
            said.close()
            raise ExportError(
                f"cannot reach the engine at `{address.text}`: cannot run `ssh`:"
                f" {(error.strerror or '').lower()}",
                hint="install the client of OpenSSH",
            ) from error
        finally:
            theirs.close()
        self._programs.append((program, said))
        return ours

    def _unreachable(self, error: OSError) -> ExportError:
        address = self.address
        reason = (error.strerror or str(error) or "no answer").lower()
        hint = "check that it runs, and the address (DOCKER_HOST, or docker's context)"
        if isinstance(error, FileNotFoundError):
            reason = "there is no such socket"
        elif isinstance(error, PermissionError):
            hint = "its socket is for root and a group, often `docker`: ask to be in it"
        elif isinstance(error, TimeoutError):
            reason = f"no connection within {CONNECT_SECONDS:.0f} seconds"
        return ExportError(f"cannot reach the engine at `{address.text}`: {reason}", hint=hint)
