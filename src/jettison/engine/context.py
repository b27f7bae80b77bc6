"""Which engine is meant: by its address, docker's context, or where engines usually listen.

In:  the environment, docker's ``config.json`` and the contexts beside it.
Out: addresses.

Order, as docker's: a context by name, DOCKER_HOST, DOCKER_CONTEXT, ``currentContext`` of the
configuration.

Source: docker/cli, cli/command/cli.go (``resolveContextName``), cli/context/store: a context's
directory is the SHA-256 of its name.
Security: names are checked before they are hashed into paths; documents are bounded and typed.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from jettison.engine.address import EngineAddress, TlsFiles, parse_address
from jettison.errors import UsageError

DOCKER_SOCKET = "/var/run/docker.sock"
DEFAULT = "default"

_MAX_BYTES = 1 << 20
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.+-]*")

Document = TypeVar("Document")


class _Endpoint(msgspec.Struct, frozen=True):
    host: str = msgspec.field(default="", name="Host")
    unchecked: bool = msgspec.field(default=False, name="SkipTLSVerify")


class _Meta(msgspec.Struct, frozen=True):
    name: str = msgspec.field(default="", name="Name")
    endpoints: dict[str, _Endpoint] = msgspec.field(default_factory=dict, name="Endpoints")


class _Config(msgspec.Struct, frozen=True):
    current: str = msgspec.field(default="", name="currentContext")


def named_engine(environ: Mapping[str, str]) -> EngineAddress | None:
    """Return the engine that the user named, by a variable or a context; None without one.

    Raises:
        UsageError: what it is named by is malformed, or not there.
    """
    if host := environ.get("DOCKER_HOST"):
        return parse_address(host, _environment_tls(environ))
    context = environ.get("DOCKER_CONTEXT") or _current(environ)
    return None if context in {"", DEFAULT} else context_engine(context, environ)


def default_engine() -> EngineAddress:
    """Return where docker listens unless somebody says otherwise."""
    return parse_address(f"unix://{DOCKER_SOCKET}")


def context_engine(name: str, environ: Mapping[str, str]) -> EngineAddress:
    """Return the engine of one of docker's contexts.

    Raises:
        UsageError: there is no such context, or it is malformed.
    """
    if name == DEFAULT:
        host = environ.get("DOCKER_HOST")
        return parse_address(host, _environment_tls(environ)) if host else default_engine()
    directory = _config_directory(environ) / "contexts"
    if not _NAME.fullmatch(name):
        raise UsageError(f"`{name[:100]}` is no name of a context of docker")
    place = hashlib.sha256(name.encode()).hexdigest()
    meta = _read(directory / "meta" / place / "meta.json", _Meta)
    if meta is None:
        raise UsageError(
            f"docker has no context `{name}`", hint="`docker context ls` shows those it has"
        )
    endpoint = meta.endpoints.get("docker")
    if endpoint is None or not endpoint.host:
        raise UsageError(f"the context `{name}` names no engine of docker")
    files = directory / "tls" / place / "docker"
    wants = files.is_dir() or endpoint.unchecked
    tls = TlsFiles(files, not endpoint.unchecked) if wants else None
    return parse_address(endpoint.host, tls)


def podman_sockets(environ: Mapping[str, str], uid: int) -> list[str]:
    """Return where podman's service listens, if it runs.

    Args:
        environ: Says where the user's own is.
        uid: Of the user.
    """
    if uid == 0:
        return ["/run/podman/podman.sock"]
    runtime = environ.get("XDG_RUNTIME_DIR") or f"/run/user/{uid}"
    return [os.path.join(runtime, "podman/podman.sock")]


def _environment_tls(environ: Mapping[str, str]) -> TlsFiles | None:
    verify, unchecked = environ.get("DOCKER_TLS_VERIFY"), environ.get("DOCKER_TLS")
    if not (verify or unchecked):
        return None
    directory = environ.get("DOCKER_CERT_PATH")
    return TlsFiles(Path(directory) if directory else _config_directory(environ), bool(verify))


def _config_directory(environ: Mapping[str, str]) -> Path:
    directory = environ.get("DOCKER_CONFIG")
    home = environ.get("HOME") or os.path.expanduser("~")
    return Path(directory or os.path.join(home, ".docker"))


def _current(environ: Mapping[str, str]) -> str:
    found = _read(_config_directory(environ) / "config.json", _Config)
    return "" if found is None else found.current


def _read(path: Path, kind: type[Document]) -> Document | None:
    """Return a document; None if it is not there.

    Raises:
        UsageError: it is malformed, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UsageError(f"cannot read `{path}`: {(error.strerror or '').lower()}") from error
    if len(data) > _MAX_BYTES:
        raise UsageError(f"`{path}` is not what docker writes: it is too large")
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"`{path}` is not what docker writes: {error}") from error
