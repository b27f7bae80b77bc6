"""The git program, closed against what is around it.

In:  arguments, a directory.
Out: what git writes.

Security: git runs without the user's and the system's configuration and attributes, without
hooks, filters, prompts and local protocols. Credentials are in its environment, which only its
user can read, and in no argument list, file or message. What it writes is bounded.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from jettison.concurrency import INTERRUPTS
from jettison.errors import ContextError, HostError
from jettison.oci.redact import redacted
from jettison.source.git_access import GitRemote

if TYPE_CHECKING:
    import subprocess

_KEPT_VARIABLES = (
    "PATH",
    "HOME",
    "SSH_AUTH_SOCK",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "GIT_SSH_COMMAND",
    "TMPDIR",
)
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_CONFIG = (
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "core.fsmonitor=false",
    "core.symlinks=true",
    "core.protectHFS=true",
    "core.protectNTFS=true",
    "core.logAllRefUpdates=false",
    "credential.helper=",
    "init.defaultBranch=main",
    "init.templateDir=",
    "advice.detachedHead=false",
    "protocol.allow=never",
    "protocol.http.allow=always",
    "protocol.https.allow=always",
    "protocol.ssh.allow=always",
    "protocol.git.allow=always",
    "http.lowSpeedLimit=1",
    "http.lowSpeedTime=60",
    "submodule.recurse=false",
    "gc.auto=0",
    "maintenance.auto=false",
)
_LOCAL = "protocol.file.allow=always"
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "true",
    "SSH_ASKPASS": "true",
    "GIT_LFS_SKIP_SMUDGE": "1",
    "LC_ALL": "C",
}
_TIMEOUT_SECONDS = 3600
_MAX_OUTPUT_BYTES = 16 << 20
_MAX_ERROR_BYTES = 16 << 10
_READ_BYTES = 64 << 10


class Git:
    """Git in one directory.

    Args:
        directory: Where it runs.
        remote: Whose credentials it gets.
        environ: Of the caller: PATH, HOME (for ssh), proxies.
        allow_files: Whether repositories may be paths of this host.
        log: Called with each command, without credentials.
        lock: Descriptor of a held lock that the program keeps, too.
    """

    def __init__(
        self,
        directory: Path,
        remote: GitRemote,
        environ: Mapping[str, str],
        *,
        allow_files: bool = False,
        log: Callable[[str], None] | None = None,
        lock: int = -1,
    ) -> None:
        self._inherited = (lock,) if lock >= 0 else ()
        self.directory = directory
        self._remote = remote
        self._allow_files = allow_files
        self._log = log
        self._environ = {name: environ[name] for name in _KEPT_VARIABLES if name in environ}
        for name in _PROXIES:
            for each in (name, name.upper()):
                if each in environ:
                    self._environ[each] = environ[each]
        self._environ.update(_ENVIRONMENT)
        self._environ.setdefault("GIT_SSH_COMMAND", "ssh -o BatchMode=yes")

    def run(
        self,
        *arguments: str,
        local: bool = False,
        index: Path | None = None,
        limit: int = _MAX_OUTPUT_BYTES,
    ) -> str:
        """Run a git command and return its output.

        Args:
            arguments: The command and its arguments.
            local: The repository may be a path of this host, and needs no credentials.
            index: The file that git keeps its index in.
            limit: Most bytes of output.

        Raises:
            ContextError: it failed; the message ends with what git said.
            HostError: there is no git program.
        """
        import subprocess  # only builds from git pay

        if self._log is not None:
            self._log(redacted(" ".join(("git", *arguments))))
        config = [*_CONFIG, *([_LOCAL] if local or self._allow_files else [])]
        options = [part for each in config for part in ("-c", each)]
        environ = {**self._environ, **({} if local else self._credentials())}
        if index is not None:
            environ["GIT_INDEX_FILE"] = str(index)
        interrupts = INTERRUPTS.count
        try:
            process = subprocess.Popen(
                ["git", *options, *arguments],
                cwd=self.directory,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=self._inherited,
                start_new_session=True,  # so that what git starts can be ended with it
            )
        except FileNotFoundError as error:
            raise HostError(
                "there is no git program", hint="install git, or clone the repository before"
            ) from error
        with process, INTERRUPTS.ending(partial(_end, process), interrupts):
            try:
                output, errors = _read(process, arguments[0], limit)
            except BaseException:
                _end(process)
                raise
        if process.returncode:
            raise ContextError(
                f"git {arguments[0]} failed: {self._said(errors)}",
                hint="check the URL and your access to it",
            )
        return output.decode("utf-8", "surrogateescape")

    def _credentials(self) -> dict[str, str]:
        """Return the variables that make git send what the remote wants to be sent."""
        config: list[tuple[str, str]] = []
        for origin, header in self._remote.headers:
            config.append((f"http.{origin}/.extraHeader", f"Authorization: {header}"))
            # Git would send the header to wherever it is redirected.
            config.append((f"http.{origin}/.followRedirects", "false"))
        found = {"GIT_CONFIG_COUNT": str(len(config))}
        for number, (key, value) in enumerate(config):
            found[f"GIT_CONFIG_KEY_{number}"] = key
            found[f"GIT_CONFIG_VALUE_{number}"] = value
        return found

    def _said(self, errors: bytes) -> str:
        text = errors.decode(errors="replace")
        for secret in self._remote.secrets:
            text = text.replace(secret, "xxxxx")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return redacted("; ".join(lines[-3:])) or "no message"


def _read(process: subprocess.Popen[bytes], command: str, limit: int) -> tuple[bytes, bytes]:
    """Return all output, and the end of the errors; wait for the end."""
    output, errors = bytearray(), bytearray()
    end = time.monotonic() + _TIMEOUT_SECONDS
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ, output)  # type: ignore[arg-type]
        selector.register(process.stderr, selectors.EVENT_READ, errors)  # type: ignore[arg-type]
        while selector.get_map():
            for key, _ in selector.select(end - time.monotonic()):
                data = os.read(key.fd, _READ_BYTES)
                if not data:
                    selector.unregister(key.fileobj)
                key.data.extend(data)
            del errors[:-_MAX_ERROR_BYTES]
            if len(output) > limit:
                raise ContextError(f"git {command} writes too much: the repository is too large")
            if time.monotonic() > end:
                raise ContextError(f"git {command} took longer than an hour")
    process.wait()
    return bytes(output), bytes(errors)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a program and all of its session."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
