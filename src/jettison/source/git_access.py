"""Remotes of git, taken apart: where they are, and what opens them.

In:  the text of a remote; secrets of the build by id.
Out: ``GitRemote``: a remote without credentials, and the headers that git sends to it.

As in BuildKit, the secrets ``GIT_AUTH_HEADER`` and ``GIT_AUTH_TOKEN``, or the same with ``.HOST``
behind them, open http remotes that hold no user themselves.

Security: a header goes to the origin of its remote only. No credentials are in the remote that
git, files and messages see.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from jettison.errors import ContextError
from jettison.oci.redact import redacted
from jettison.oci.url import MAX_URL_LENGTH, Url, UrlError, split_user
from jettison.source.access import Secrets, no_secrets

_SCHEMES = frozenset({"http", "https", "ssh", "git"})
_SCP = r"[A-Za-z0-9_.-]+@[A-Za-z0-9.\[\]:_-]+?:(?!//).+"
_UNSAFE = r"[\x00-\x20\x7f]|(?:^|@|://)-"
_PROBE = "/info/refs?service=git-upload-pack"
_TOKEN_USER = "x-access-token"  # noqa: S105 - BuildKit's name for who has a token


class GitRemote(msgspec.Struct, frozen=True):
    """A remote.

    Args:
        text: The arguments of git: without credentials.
        headers: Origins and what ``Authorization`` is for them.
        secrets: Texts that no message may hold.
    """

    text: str
    headers: tuple[tuple[str, str], ...] = ()
    secrets: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"GitRemote({self.text!r})"


def git_remote(text: str, secrets: Secrets = no_secrets, *, allow_files: bool = False) -> GitRemote:
    """Return the remote that a text names.

    Args:
        text: A URL, or ``user@host:path``.
        secrets: Of the build.
        allow_files: Whether it may be a path of this host (tests).

    Raises:
        ContextError: it is none, or of another protocol.

    >>> remote = git_remote("https://me:pass@host/x.git")
    >>> remote.text, remote.headers
    ('https://host/x.git', (('https://host', 'Basic bWU6cGFzcw=='),))
    """
    scheme, separator, rest = text.partition("://")
    if allow_files and (scheme == "file" or text.startswith("/")):
        return GitRemote(text)
    if len(text) <= MAX_URL_LENGTH and re.search(_UNSAFE, text) is None:
        if separator and scheme in {"http", "https"}:
            return _http_remote(text, secrets)
        if separator and scheme in _SCHEMES:
            authority, slash, path = rest.partition("/")
            user, at, host = authority.rpartition("@")
            # ssh has no use for a password, and git:// for no user at all.
            kept = user.partition(":")[0] + at if scheme == "ssh" else ""
            return GitRemote(f"{scheme}://{kept}{host}{slash}{path}")
        if not separator and re.fullmatch(_SCP, text) is not None:
            return GitRemote(text)
    raise ContextError(
        f"`{redacted(text)}` is no git remote",
        hint="use an https, ssh or git URL, or user@host:path",
    )


def moved(remote: GitRemote, environ: Mapping[str, str]) -> GitRemote:
    """Return where an http remote has moved to; at another origin it gets no credentials.

    Raises:
        RegistryError: it cannot be asked, or redirects to a place that cannot be.
    """
    from jettison.registry.transport import Transport  # few repositories move

    place = Url.parse(remote.text + _PROBE)
    transport = Transport(environ)
    try:
        header = dict(remote.headers).get(place.origin, "")
        found = transport.locate(place, headers={"Authorization": header})
    finally:
        transport.close()
    text = str(found)
    if not text.endswith(_PROBE):
        return remote
    same = found.origin == place.origin
    return GitRemote(text.removesuffix(_PROBE), remote.headers if same else (), remote.secrets)


def _http_remote(text: str, secrets: Secrets) -> GitRemote:
    try:
        url, user = split_user(text)
    except UrlError as error:
        raise ContextError(f"`{redacted(text)}` is no git remote: {error}") from None
    if user is not None:
        header = basic(user.username, user.password)
        hidden = tuple(each for each in (user.password or user.username, header[6:]) if each)
        return GitRemote(str(url), ((url.origin, header),), hidden)
    given = secret_header(url, "GIT_AUTH_HEADER", "GIT_AUTH_TOKEN", secrets, separator=".")
    if not given:
        return GitRemote(str(url))
    name, value = given
    header = basic(_TOKEN_USER, value) if name.startswith("GIT_AUTH_TOKEN") else value
    return GitRemote(str(url), ((url.origin, header),), (value, header.rpartition(" ")[2]))


def secret_header(
    url: Url, header: str, token: str, secrets: Secrets, *, separator: str
) -> tuple[str, str] | None:
    """Return name and value of the secret that opens a URL, or None.

    Args:
        url: What is to be opened.
        header: Name of the secret that is a whole ``Authorization``.
        token: Name of the secret that is a token.
        secrets: Of the build.
        separator: Between those names and that of a host; without one they count for all hosts.

    Raises:
        ContextError: the secret cannot be sent in a header.
    """
    for name in (header, token):
        for host in dict.fromkeys((url.authority, url.host, "")):
            full = f"{name}{separator}{host}" if host else name
            value = secrets(full)
            if value is None:
                continue
            text = value.decode("ascii", "replace").strip()
            if not text.isascii() or not text.isprintable() or not text:
                raise ContextError(f"the secret `{full}` cannot be sent: it is no line of ASCII")
            return full, text
    return None


def basic(username: str, password: str) -> str:
    """Return the ``Authorization`` of a user."""
    import binascii  # few remotes want to know who asks

    pair = f"{username}:{password}".encode()
    return "Basic " + binascii.b2a_base64(pair, newline=False).decode()
