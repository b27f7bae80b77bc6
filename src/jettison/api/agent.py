"""SSH agents for RUN steps: the user's own by its socket, or one of ours that holds given keys.

In:  texts of ``--ssh``: ``ID``, ``ID=SOCKET``, ``ID=KEY[,KEY…]``.
Out: sockets by id, there as long as the caller's ``ExitStack``.

Security: a key never enters a step, only the socket does. Our agent ends with this process,
however that ends: it guards a command that reads from a pipe of ours.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from jettison.errors import UsageError

if TYPE_CHECKING:
    from subprocess import Popen

_SHOW_AND_WAIT = ("sh", "-c", 'echo "$SSH_AGENT_PID"; exec cat >/dev/null')


def agents(
    texts: Iterable[str], environ: Mapping[str, str], resources: ExitStack
) -> dict[str, Path]:
    """Return the sockets of agents by id.

    Raises:
        UsageError: there is neither agent nor key.
    """
    found = {}
    for text in texts:
        name, _, place = text.partition("=")
        found[name or "default"] = _socket(name or "default", place, environ, resources)
    return found


def _socket(name: str, place: str, environ: Mapping[str, str], resources: ExitStack) -> Path:
    place = place or environ.get("SSH_AUTH_SOCK", "")
    if not place:
        raise UsageError(
            f"--ssh {name}: no agent runs",
            hint="start ssh-agent, or write --ssh ID=SOCKET or ID=KEYFILE",
        )
    paths = [Path(each).absolute() for each in place.split(",")]
    if len(paths) == 1 and paths[0].is_socket():
        return paths[0]
    for path in paths:
        if not path.is_file():
            raise UsageError(
                f"--ssh {name}: `{path}` is neither a socket nor a key file",
                hint="write --ssh ID=SOCKET or ID=KEYFILE",
            )
    return _own_agent(name, paths, environ, resources)


def _own_agent(
    name: str, keys: list[Path], environ: Mapping[str, str], resources: ExitStack
) -> Path:
    """Start an agent that holds keys; it is gone when ``resources`` is closed."""
    import shutil  # most builds forward no key
    import subprocess
    import tempfile

    path = environ.get("PATH")
    agent, add = (shutil.which(each, path=path) for each in ("ssh-agent", "ssh-add"))
    if agent is None or add is None:
        raise UsageError(
            f"--ssh {name}: `ssh-agent` and `ssh-add` are needed for a key file",
            hint="install the OpenSSH client, or write --ssh ID=SOCKET",
        )
    # Names of sockets are short, so not in the store.
    directory = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="jettison-agent-")))
    socket = directory / "socket"
    process = subprocess.Popen(
        [agent, "-a", str(socket), *_SHOW_AND_WAIT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    resources.callback(_end, process)
    number = process.stdout.readline().strip() if process.stdout is not None else b""
    if not number.isdigit():
        raise UsageError(f"--ssh {name}: `{agent}` does not start")
    resources.callback(_kill, int(number))
    done = subprocess.run(
        [add, "-q", *map(str, keys)],
        env={**environ, "SSH_AUTH_SOCK": str(socket), "SSH_ASKPASS_REQUIRE": "never"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        start_new_session=True,
        check=False,
    )
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip() or "it has a passphrase"
        raise UsageError(
            f"--ssh {name}: a key cannot be used: {reason}",
            hint="add keys with a passphrase to an agent and write --ssh ID",
        )
    return socket


def _end(process: Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    process.wait()


def _kill(number: int) -> None:
    try:
        os.kill(number, signal.SIGTERM)
    except ProcessLookupError:
        return
