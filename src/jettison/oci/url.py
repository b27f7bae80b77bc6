"""URLs of ``http`` and ``https``: registries, mirrors, token servers, redirects, files.

In:  text of users, settings and servers.
Out: ``Url``: scheme, host, port, path, query, each checked; a text without credentials.

Source: RFC 3986 (grammar §3, references §5); RFC 6761 for ``localhost``; inet_aton(3), by whose
rules the resolver reads numbers as addresses.
Security: what is compared, trusted or connected to is the parsed host, never a part of a text.
Text that two parsers may read in two ways (user information, backslashes, spaces, control
characters, escapes in the host) is refused.
"""

from __future__ import annotations

import re
from typing import Self

import msgspec

from jettison.oci.redact import unescaped

MAX_URL_LENGTH = 16 << 10
"""Characters; longer than any signed URL of the large stores of objects."""

_MAX_NAME = 253
_PORTS = {"http": 80, "https": 443}
_PARTS = r"(?:([A-Za-z][A-Za-z0-9+.-]*+):)?+(?://([^/?#]*+))?+([^?#]*+)(?:\?([^#]*+))?+(?:#.*+)?+"
_AMBIGUOUS = r"[\x00-\x20\x7f-\x9f\\\u2028\u2029\ud800-\udfff]"
_NAME = r"(?:[a-z0-9_-]{1,63}\.)*+[a-z0-9_-]{1,63}\.?+"
_NUMBER = r"0[xX][0-9a-fA-F]*+|[0-9]++"
_UNSAFE = r"[^A-Za-z0-9._~!$&'()*+,;=:@/?%\[\]|-]"


class UrlError(ValueError):
    """A text is no URL that is safe to use; the message does not quote it."""


class Url(msgspec.Struct, frozen=True):
    """A URL without user information and fragment.

    Args:
        scheme: ``http`` or ``https``.
        host: Lower case and ASCII; IPv6 addresses without brackets.
        port: The scheme's own when the text names none.
        path: Starts with a slash.
        query: Without question mark; empty when there is none.

    >>> url = Url.parse("HTTPS://Registry.Example:443/v2/?n=1#x")
    >>> str(url), url.target, url.port
    ('https://registry.example/v2/?n=1', '/v2/?n=1', 443)
    """

    scheme: str
    host: str
    port: int
    path: str = "/"
    query: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the URL that an absolute text is.

        Raises:
            UrlError: it is none, or may be read in more than one way.
        """
        scheme, authority, path, query = _split(text)
        if scheme is None or scheme.lower() not in _PORTS:
            raise UrlError("it is no http or https URL")
        if not authority:
            raise UrlError("it names no host")
        host, port = _host_and_port(authority)
        lower = scheme.lower()
        return cls(lower, host, port or _PORTS[lower], _escaped(path) or "/", _escaped(query or ""))

    def join(self, text: str) -> Self:
        """Return what a reference means that a document at this URL holds, as ``Location``.

        Raises:
            UrlError: the result is no URL.

        >>> str(Url.parse("https://r.example/v2/a/blobs/?x=1").join("../uploads/7?state=s"))
        'https://r.example/v2/a/uploads/7?state=s'
        """
        scheme, authority, path, query = _split(text)
        if scheme is not None:
            joined = self.parse(text)
        elif authority is not None:
            joined = self.parse(f"{self.scheme}:{text}")
        elif not path:
            return msgspec.structs.replace(
                self, query=self.query if query is None else _escaped(query)
            )
        else:
            whole = path if path.startswith("/") else self.path.rpartition("/")[0] + "/" + path
            joined = msgspec.structs.replace(
                self, path=_escaped(whole), query=_escaped(query or "")
            )
        return msgspec.structs.replace(joined, path=_without_dots(joined.path))

    def with_query(self, more: str) -> Self:
        """Return the URL with further fields, already encoded, in its query."""
        query = f"{self.query}&{more}" if self.query and more else self.query or more
        return msgspec.structs.replace(self, query=query)

    @property
    def authority(self) -> str:
        """``host[:port]``, as in ``Host``; the port is left out where it is the scheme's own."""
        whole = self.host_and_port
        return whole.rpartition(":")[0] if self.port == _PORTS[self.scheme] else whole

    @property
    def host_and_port(self) -> str:
        """``host:port``, always with the port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme and authority: credentials for one origin go to no other."""
        return f"{self.scheme}://{self.authority}"

    @property
    def target(self) -> str:
        """Path and query: what a request line holds."""
        return self.path + (f"?{self.query}" if self.query else "")

    @property
    def shown(self) -> str:
        """The URL for messages: without query, since signed URLs carry secrets there."""
        return self.origin + self.path

    @property
    def is_loopback(self) -> bool:
        """Whether a connection to it stays on this machine."""
        return is_loopback(self.host)

    def __str__(self) -> str:
        return self.origin + self.target


class UserInfo(msgspec.Struct, frozen=True):
    """User and password of a URL, decoded."""

    username: str
    password: str

    def __repr__(self) -> str:
        return "UserInfo(…)"


def split_user(text: str) -> tuple[Url, UserInfo | None]:
    """Return a URL of the user's, and the credentials in it.

    Raises:
        UrlError: it is no URL.

    >>> url, user = split_user("https://me:s%40crt@host/x")
    >>> str(url), user.password
    ('https://host/x', 's@crt')
    """
    _, authority, _, _ = _split(text)
    userinfo, at, rest = (authority or "").rpartition("@")
    if not at:
        return Url.parse(text), None
    username, _, password = userinfo.partition(":")
    found = UserInfo(unescaped(username), unescaped(password))
    return Url.parse(text.replace(f"//{userinfo}@{rest}", f"//{rest}", 1)), found


def is_loopback(host: str) -> bool:
    """Tell whether connections to a host stay on this machine.

    ``localhost`` and names below it count, and every form of an address that the resolver takes
    without asking anybody; what is unknown does not.

    >>> [is_loopback(each) for each in ("127.1", "0x7f.1", "::ffff:127.0.0.1", "127.example.org")]
    [True, True, True, False]
    """
    name = host.removesuffix(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    if ":" in host:
        address = _ipv6(host)
        if address is None:
            return False
        mapped = address >> 32 == 0xFFFF
        return address == 1 or (mapped and address >> 24 & 0xFF == 127)
    number = _ipv4(host)
    return number is not None and number >> 24 == 127


def _split(text: str) -> tuple[str | None, str | None, str, str | None]:
    """Return scheme, authority, path and query as they are written."""
    if len(text) > MAX_URL_LENGTH:
        raise UrlError(f"it is longer than {MAX_URL_LENGTH} characters")
    if re.search(_AMBIGUOUS, text) is not None:
        raise UrlError("it holds a space, a backslash or a control character")
    match = re.fullmatch(_PARTS, text)
    if match is None:
        raise UrlError("it cannot be parsed")
    return match[1], match[2], match[3], match[4]


def _host_and_port(authority: str) -> tuple[str, int]:
    """Return the host, and the port or 0."""
    if "@" in authority:
        raise UrlError("it holds a user or password")
    if authority.startswith("["):
        host, bracket, rest = authority[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")) or _ipv6(host) is None:
            raise UrlError("its host is no IPv6 address")
        return host.lower(), _port(rest[1:]) if rest else 0
    name, colon, port = authority.partition(":")
    if ":" in port:
        raise UrlError("an IPv6 address must be in brackets")
    host = name.lower() if name.isascii() else _idna(name)
    if re.fullmatch(_NAME, host) is None or len(host) > _MAX_NAME:
        raise UrlError("its host is no name or address")
    last = host.removesuffix(".").rpartition(".")[2]
    if re.fullmatch(_NUMBER, last) is not None and _ipv4(host) is None:
        raise UrlError("its host looks like an address and is none")
    return host, _port(port) if colon else 0


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 5 or not 0 < int(text) < 1 << 16:
        raise UrlError("its port is none")
    return int(text)


def _idna(name: str) -> str:
    """Return a name of other letters as DNS has it.

    Python's codec knows the rules of 2003; names that they change, such as those with ``ß`` or
    wide digits, mean something else by newer rules and are refused.
    """
    if len(name) > _MAX_NAME:
        raise UrlError("its host is no name of DNS")
    try:
        encoded = name.lower().encode("idna").decode("ascii")
        same = encoded.encode("ascii").decode("idna") == name.lower()
    except UnicodeError:
        same, encoded = False, ""
    if not same:
        raise UrlError("its host is no name of DNS")
    return encoded


def _ipv4(host: str) -> int | None:
    """Return the number that inet_aton(3) reads, None for what it does not take."""
    parts = host.split(".")
    if len(parts) > 4 or any(re.fullmatch(_NUMBER, part) is None for part in parts):
        return None
    values: list[int] = []
    for part in parts:
        base = 16 if part[:2] in {"0x", "0X"} else 8 if part.startswith("0") else 10
        digits = part[2:] if base == 16 else part
        try:
            values.append(int(digits, base))
        except ValueError:
            return None
    *first, last = values
    if any(value > 0xFF for value in first) or last >= 1 << 8 * (5 - len(values)):
        return None
    return sum(value << 24 - 8 * place for place, value in enumerate(first)) + last


def _ipv6(host: str) -> int | None:
    import ipaddress  # few hosts are addresses of IPv6

    if len(host) > 45 or "%" in host:
        return None
    try:
        return int(ipaddress.IPv6Address(host))
    except ValueError:
        return None


def _without_dots(path: str) -> str:
    """Remove ``.`` and ``..`` as RFC 3986 §5.2.4 says."""
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments:
        if segment == "..":
            if len(kept) > 1:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in {".", ".."}:
        kept.append("")
    return "/".join(kept)


def _escaped(text: str) -> str:
    """Return a path or query of ASCII: other characters are escaped, escapes stay."""
    return re.sub(
        _UNSAFE, lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), text
    )


def _escape(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode())
