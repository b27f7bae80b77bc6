"""``/etc/hosts`` and ``/etc/resolv.conf`` of containers.

In:  ``--add-host`` values, the host name, the host's files.
Out: bytes for ``SandboxSpec.hosts`` and ``.resolv_conf``.

Source: resolv.conf(5), systemd-resolved.service(8); docker's and BuildKit's behaviour.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from jettison.errors import UsageError
from jettison.oci.address import is_ip_address

_STUB = "127.0.0.53"
_RESOLVED = Path("/run/systemd/resolve/resolv.conf")
_FALLBACK = ("8.8.8.8", "8.8.4.4", "2001:4860:4860::8888", "2001:4860:4860::8844")
_GATEWAY = "host-gateway"
_LOCAL = (
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    "fe00::0\tip6-localnet",
    "ff00::0\tip6-mcastprefix",
    "ff02::1\tip6-allnodes",
    "ff02::2\tip6-allrouters",
)


def make_hosts(hostname: str, extra: Sequence[str] = (), *, gateway: str = "127.0.0.1") -> bytes:
    """Return ``/etc/hosts``.

    Args:
        hostname: Of the container; empty adds no line for it.
        extra: ``NAME:ADDRESS`` or ``NAME=ADDRESS``; the address ``host-gateway`` is the host.
        gateway: Address of the host as seen by the container.

    Raises:
        UsageError: an extra host is malformed.
    """
    lines = list(_LOCAL)
    for text in extra:
        name, address = parse_extra_host(text)
        lines.append(f"{gateway if address == _GATEWAY else address}\t{name}")
    if hostname:
        lines.append(f"127.0.0.1\t{hostname}")
    return ("\n".join(lines) + "\n").encode()


def parse_extra_host(text: str) -> tuple[str, str]:
    """Split an ``--add-host`` value into name and address.

    Raises:
        UsageError: no name, or no IP address.

    >>> parse_extra_host("db:10.0.0.5")
    ('db', '10.0.0.5')
    >>> parse_extra_host("six=[2001:db8::1]")
    ('six', '2001:db8::1')
    """
    separator = "=" if "=" in text else ":"
    name, found, address = text.partition(separator)
    address = address.removeprefix("[").removesuffix("]")
    hint = "Write it as `NAME:ADDRESS` or `NAME=ADDRESS`, or `NAME:host-gateway`."
    one_word = name.split() == [name] and text.split() == [text] and text.isprintable()
    if not found or not one_word:
        raise UsageError(f"invalid extra host `{text}`", hint=hint)
    if address != _GATEWAY and not is_ip_address(address):
        raise UsageError(f"invalid address in extra host `{text}`", hint=hint)
    return name, address


def make_resolv_conf(
    *,
    host_network: bool,
    forwarder: str = "",
    path: Path = Path("/etc/resolv.conf"),
    resolved: Path = _RESOLVED,
) -> bytes:
    """Return ``/etc/resolv.conf`` for a container.

    With the host's network the host's file serves as it is. Otherwise name servers on loopback
    and link-local addresses cannot be reached: something passes queries on to them. Without it,
    those of systemd-resolved are taken from its own list; when none is left, public ones stand in.

    Args:
        host_network: The container shares the network of the host.
        forwarder: Address at which queries are passed on to the host's servers, or empty.
        path: The host's file.
        resolved: systemd-resolved's list of real servers.
    """
    text = _read(path)
    if host_network:
        return text.encode() if text else _servers(_FALLBACK[:2])
    if _nameservers(text) == [_STUB] and not forwarder:
        text = _read(resolved) or text
    lines: list[str] = []
    for line in text.splitlines():
        if not any(map(_is_local, _nameservers(line))):
            lines.append(line)
        elif forwarder and f"nameserver {forwarder}" not in lines:
            lines.append(f"nameserver {forwarder}")
    result = ("\n".join(lines) + "\n").encode() if lines else b""
    if _nameservers(result.decode()):
        return result
    return result + _servers([forwarder] if forwarder else _FALLBACK)


def with_choices(
    text: bytes, servers: Sequence[str], search: Sequence[str], options: Sequence[str]
) -> bytes:
    """Return a ``/etc/resolv.conf`` with other servers, domains or options, where there are some.

    Args:
        text: The file.
        servers: Addresses.
        search: Domains; ``.`` is none at all.
        options: As in the file.

    Raises:
        UsageError: an address is none, or a word is not one.
    """
    for server in servers:
        if not is_ip_address(server):
            raise UsageError(f"{server} is not an ip address", hint="write --dns ADDRESS")
    for word in (*search, *options):
        if not word.isprintable() or len(word.split()) != 1:
            raise UsageError(f"invalid domain or option `{word}`", hint="write one at a time")
    given = {"nameserver": servers, "search": search, "options": options}
    kept = [
        line
        for line in text.decode(errors="surrogateescape").splitlines()
        if not given.get({"domain": "search"}.get(word := line.partition(" ")[0], word))
    ]
    lines = [*kept, *(f"nameserver {each}" for each in servers)]
    if search and "." not in search:
        lines.append(f"search {' '.join(search)}")
    if options:
        lines.append(f"options {' '.join(options)}")
    return ("\n".join(lines) + "\n").encode(errors="surrogateescape")


def nameservers(text: str = "", path: Path = Path("/etc/resolv.conf")) -> list[str]:
    """Return the name servers of a text, by default of the host's file."""
    return _nameservers(text or _read(path))


def local_nameservers(path: Path = Path("/etc/resolv.conf")) -> list[str]:
    """Return the host's name servers that are reached in its own network only."""
    return [server for server in _nameservers(_read(path)) if _is_local(server)]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _nameservers(text: str) -> list[str]:
    rows = [line.split() for line in text.splitlines()]
    return [row[1] for row in rows if len(row) > 1 and row[0] == "nameserver"]


def _is_local(address: str) -> bool:
    """Tell whether an address is the host itself or on a link of its: loopback, link-local."""
    plain = address.partition("%")[0].lower().removeprefix("::ffff:")
    link_local = plain[:3] in {"fe8", "fe9", "fea", "feb"} and ":" in plain
    own = plain in {"::1", "::", "0.0.0.0"}  # noqa: S104 - a name server's address
    return own or link_local or plain.startswith(("127.", "169.254."))


def _servers(addresses: Sequence[str]) -> bytes:
    return "".join(f"nameserver {address}\n" for address in addresses).encode()
