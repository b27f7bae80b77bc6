"""Credentials of registries in docker's ``config.json``.

In:  ``$DOCKER_CONFIG/config.json`` or ``~/.docker/config.json``: ``auths``, ``credHelpers``,
     ``credsStore``; credential helper programs (``docker-credential-NAME``).
Out: ``Credentials``; the file again, with mode 0600, replaced atomically, other keys untouched.

Source: docker's config.json; the protocol of docker-credential-helpers.
Security: a secret is never part of a message or of an argument list.
"""

from __future__ import annotations

import base64
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from jettison.errors import AuthenticationError, StorageError, UsageError
from jettison.fs.atomic import write_atomically
from jettison.oci.reference import DEFAULT_REGISTRY

_DOCKER_KEY = "https://index.docker.io/v1/"
_DOCKER_NAMES = {"docker.io", "index.docker.io", "registry-1.docker.io"}
_TOKEN_USER = "<token>"  # noqa: S105 - the helpers' name for an identity token
_HELPER_SECONDS = 60
_HELPER_NAME = r"(?:[A-Za-z0-9][A-Za-z0-9._-]*)?"
_MAX_CONFIG_BYTES = 16 << 20


class Credentials(msgspec.Struct, frozen=True):
    """A user's credentials: a password, or an identity token that buys access tokens."""

    username: str = ""
    password: str = ""
    identity_token: str = ""
    registry_token: str = ""

    def __repr__(self) -> str:
        return f"Credentials(username={self.username!r})"


class CredentialStore:
    """Credentials by registry.

    Args:
        path: The ``config.json``; it need not exist.

    Concurrency: safe for threads; of two processes that log in at once one may win.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of_user(cls, environ: Mapping[str, str]) -> CredentialStore:
        """Return the store that docker uses: ``DOCKER_CONFIG``, else ``~/.docker``."""
        directory = environ.get("DOCKER_CONFIG")
        home = environ.get("HOME") or os.path.expanduser("~")
        return cls(Path(directory or os.path.join(home, ".docker")) / "config.json")

    def get(self, registry: str) -> Credentials | None:
        """Return the credentials for a registry, or None.

        Raises:
            UsageError: the file is not what docker writes.
            AuthenticationError: a credential helper fails.
        """
        config = self._read()
        helper = self._helper(config, registry)
        if helper:
            found = _ask_helper(helper, server_key(registry))
            if found is not None:
                return found
        for key, entry in _object(config, "auths").items():
            if _names(key) == _host(registry) and isinstance(entry, dict) and entry:
                credentials = _decode_entry(entry)
                if credentials is not None:
                    return credentials
        return None

    def put(self, registry: str, credentials: Credentials) -> str:
        """Keep credentials; return where: the helper's name or the file's path.

        Raises:
            UsageError, AuthenticationError: as ``get``.
            StorageError: the file cannot be written.
        """
        config = self._read()
        helper = self._helper(config, registry)
        auths = config["auths"] = _object(config, "auths")
        if helper:
            secret = credentials.identity_token or credentials.password
            user = _TOKEN_USER if credentials.identity_token else credentials.username
            message = {"ServerURL": server_key(registry), "Username": user, "Secret": secret}
            _run_helper(helper, "store", msgspec.json.encode(message))
            auths[server_key(registry)] = {}
            self._write(config)
            return f"docker-credential-{helper}"
        plain = f"{credentials.username}:{credentials.password}".encode()
        entry = {"auth": base64.b64encode(plain).decode()}
        if credentials.identity_token:
            entry["identitytoken"] = credentials.identity_token
        auths[server_key(registry)] = entry
        self._write(config)
        return str(self.path)

    def erase(self, registry: str) -> bool:
        """Forget a registry's credentials; tell whether there were some."""
        config = self._read()
        helper = self._helper(config, registry)
        erased = False
        if helper:
            erased = _ask_helper(helper, server_key(registry)) is not None
            _run_helper(helper, "erase", server_key(registry).encode())
        auths = _object(config, "auths")
        mine = [key for key in auths if _names(key) == _host(registry)]
        for key in mine:
            del auths[key]
        if mine:
            self._write(config)
        return erased or bool(mine)

    @staticmethod
    def _helper(config: dict[str, Any], registry: str) -> str:
        helpers = _object(config, "credHelpers")
        named = next((v for k, v in helpers.items() if _names(k) == _host(registry)), None)
        helper = named if named is not None else config.get("credsStore", "")
        if not isinstance(helper, str) or re.fullmatch(_HELPER_NAME, helper) is None:
            raise UsageError("a credential helper in docker's config.json is not a plain name")
        return helper

    def _read(self) -> dict[str, Any]:
        try:
            with open(self.path, "rb", opener=_without_waiting) as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise UsageError(f"`{self.path}` is no regular file")
                data = file.read(_MAX_CONFIG_BYTES)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as error:
            raise UsageError(f"cannot read `{self.path}`: {error.strerror}") from error
        try:
            config = msgspec.json.decode(data or b"{}")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            # The decoder's text may quote the file, and the file holds secrets.
            raise UsageError(f"`{self.path}` is not valid JSON") from error
        if not isinstance(config, dict):
            raise UsageError(f"`{self.path}` is not a JSON object")
        return config

    def _write(self, config: dict[str, Any]) -> None:
        # A linked config.json stays a link: its target is replaced.
        path = Path(os.path.realpath(self.path))
        data = msgspec.json.format(msgspec.json.encode(config), indent=2) + b"\n"
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(path, data, mode=0o600, durable=True)
        except OSError as error:
            raise StorageError(f"cannot write `{path}`: {error.strerror}") from error


def server_key(registry: str) -> str:
    """Return the key under which docker keeps a registry: docker.io has a historic one."""
    return _DOCKER_KEY if _host(registry) == DEFAULT_REGISTRY else registry


def _names(key: str) -> str:
    """Return the registry that a key of ``auths`` names: keys may be URLs with a path."""
    return _host(key.partition("://")[2] if "://" in key else key)


def _host(name: str) -> str:
    host = name.partition("/")[0].lower()
    return DEFAULT_REGISTRY if host in _DOCKER_NAMES else host


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def _object(config: dict[str, Any], key: str) -> dict[str, Any]:
    value = config.get(key)
    return value if isinstance(value, dict) else {}


def _decode_entry(entry: dict[str, Any]) -> Credentials | None:
    def text(key: str) -> str:
        value = entry.get(key)
        return value if isinstance(value, str) else ""

    username, password = text("username"), text("password")
    if text("auth"):
        try:
            decoded = base64.b64decode(text("auth"), validate=True).decode()
        except ValueError as error:
            raise UsageError(
                "an `auth` of docker's config.json is not base64 of `user:password`",
                hint="run `jettison login` again for that registry",
            ) from error
        username, _, password = decoded.rstrip("\0").partition(":")
    found = Credentials(username, password, text("identitytoken"), text("registrytoken"))
    if not (found.registry_token.isascii() and found.registry_token.isprintable()):
        raise UsageError("a `registrytoken` of docker's config.json cannot be sent in a header")
    return found if found != Credentials() else None


class _HelperAnswer(msgspec.Struct, rename={"username": "Username", "secret": "Secret"}):
    username: str = ""
    secret: str = ""


def _ask_helper(helper: str, server: str) -> Credentials | None:
    output = _run_helper(helper, "get", server.encode(), missing_ok=True)
    if output is None:
        return None
    try:
        answer = msgspec.json.decode(output, type=_HelperAnswer)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise AuthenticationError(
            f"credential helper `docker-credential-{helper}` gives no valid answer"
        ) from error
    if answer.username == _TOKEN_USER:
        return Credentials(identity_token=answer.secret)
    return Credentials(username=answer.username, password=answer.secret)


def _run_helper(helper: str, verb: str, data: bytes, *, missing_ok: bool = False) -> bytes | None:
    import subprocess  # few people have a helper

    program = f"docker-credential-{helper}"
    try:
        done = subprocess.run(
            [program, verb], input=data, capture_output=True, check=False, timeout=_HELPER_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = error.strerror if isinstance(error, OSError) else "it does not answer"
        raise AuthenticationError(
            f"cannot run credential helper `{program}`: {reason}",
            hint="install it, or remove it from docker's config.json",
        ) from error
    if done.returncode == 0:
        return done.stdout
    # Helpers say on standard output that they know nothing of a server.
    if missing_ok and b"not found" in done.stdout.lower():
        return None
    raise AuthenticationError(f"credential helper `{program} {verb}` fails ({done.returncode})")
