"""Certificates, time zones and what else programs expect: is it there, and what needs it.

In:  the root file system, what an image starts.
Out: where they are; ``Evidence`` values, one for each file that needs something.

A need is found by evidence only: an address with ``https://`` in a program that verifies
certificates, a zone that TZ or a program names. A program that could is none.

Source: Go's ``crypto/x509`` (root_linux.go) and ``time`` (zoneinfo_unix.go) for the places;
OpenSSL's SSL_CERT_FILE and SSL_CERT_DIR.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum

import msgspec

from jettison.analysis.entry.reached import How, Reached, Use
from jettison.analysis.files import Files
from jettison.fs.resolve import resolve

CA_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/lib/ssl/cert.pem",
)
"""Files of certificates that programs look for."""
CA_DIRECTORIES = ("/etc/ssl/certs", "/etc/pki/tls/certs")
ZONES = ("/usr/share/zoneinfo", "/usr/share/lib/zoneinfo", "/usr/lib/locale/TZ", "/etc/zoneinfo")
_GO_ZONES = "/usr/local/go/lib/time/zoneinfo.zip"

_MAX_PROGRAM = 64 << 20
_MAX_TEXT = 4 << 20
_URL = (
    rb"https://([a-z0-9][a-z0-9-]{0,62}(?:\.[a-z0-9-]{1,63}){0,16}\.[a-z]{2,24})(?:[/:?][^\s\"'<>\x00-\x1f]{0,40}"
    rb"|(?=[\"'\s\x00-\x1f]|$))"
)
_CALLED = (
    rb"^https://(?:[a-z0-9-]+\.)*(?:api|auth|login|oauth2?|accounts|sts|hooks|ingest|registry)[.-]"
    rb"|^https://[^/]+/(?:api|v[0-9]+|oauth2?|token|graphql|webhooks?|services|\.well-known)(?:/|$|[^a-z])"
)
"""Addresses of services; others are of pages that messages name."""
_PUBLIC = (
    rb"(?:^|\.)(?:go\.dev|golang\.org|godoc\.org|github\.com|w3\.org|ietf\.org|rust-lang\.org"
    rb"|docs\.rs|crates\.io|openssl\.org|gnu\.org|example\.(?:com|org|net)|debian\.org|python\.org"
    rb"|nodejs\.org|mozilla\.org|wikipedia\.org|stackoverflow\.com|microsoft\.com|iana\.org"
    rb"|unicode\.org|kernel\.org|apache\.org|protobuf\.dev|opentelemetry\.io|swagger\.io)$"
)
"""Hosts of documentation and of licences, which messages name and nobody connects to."""
_VERIFIES = (
    b"crypto/x509.loadSystemRoots",
    b"libssl.so.",
    b"libgnutls.so.",
    b"rustls-native-certs",
    b"openssl-probe",
)
_CARRIES = (b"webpki-roots", b"x509roots/fallback", b"gocertifi", b"certifi")
_LOADS_ZONE = b"time.LoadLocation"
_CARRIES_ZONES = b"time/tzdata"
_CONTINENTS = (b"Europe/", b"America/", b"Asia/", b"Africa/", b"Australia/", b"Pacific/")
_CITY = re.compile(rb"[A-Z][A-Za-z_]{2,20}")
_TEXT_TLS = rb"urllib\.request|http\.client|aiohttp|ssl\.create_default_context"
_CLIENTS = frozenset({"curl", "wget", "git"})
_TMP = "/tmp"  # noqa: S108  of the image
_TEMPORARY = b"os.CreateTemp"
_UPLOADS = b"mime/multipart."
"""Makes temporary files for large uploads only, and is part of every web server."""
_SYSTEM = frozenset({"/bin", "/usr/bin", "/sbin", "/usr/sbin"})
"""Where a program has the name of one that all know and is that one."""
_ASKS_ACCOUNT = frozenset({"ssh", "scp", "sftp", "whoami", "logname"})
_UTC = frozenset({"", "UTC", "GMT", "Etc/UTC", "Etc/GMT", "UCT", "Zulu", "Universal", "UTC0"})


class Need(StrEnum):
    """What may be needed."""

    CERTIFICATES = "certificates"
    ZONES = "time zones"
    TEMPORARY = "a directory for temporary files"
    ACCOUNT = "an entry of the user in /etc/passwd"


class Evidence(msgspec.Struct, frozen=True):
    """That something is needed.

    Args:
        need: What.
        path: The file that needs it, a script rather than its command; empty for the config.
        reason: How that is known, for people.
    """

    need: Need
    path: str
    reason: str


def certificates(files: Files, env: Mapping[str, str]) -> str:
    """Return the path of a file or directory of certificates; empty if there is none."""
    given = (env.get("SSL_CERT_FILE", ""), env.get("NODE_EXTRA_CA_CERTS", ""))
    for path in (*given, *CA_BUNDLES):
        if path and (found := files.find(path)) is not None and files.size(found):
            return path
    for path in (*env.get("SSL_CERT_DIR", "").split(":"), *CA_DIRECTORIES):
        if path and any(name.endswith((".pem", ".crt", ".0")) for name in _names(files, path)):
            return path
    return ""


def zones(files: Files, env: Mapping[str, str]) -> str:
    """Return the directory or archive of time zones; empty if there is none."""
    for path in (env.get("ZONEINFO", ""), _GO_ZONES):
        if path and files.find(path) is not None:
            return path
    return next((path for path in ZONES if _names(files, path)), "")


def evidence(
    files: Files,
    reached: Reached,
    env: Mapping[str, str],
    account: str,
    is_own: Callable[[str], bool] = lambda _: True,
) -> Iterator[Evidence]:
    """Yield what says that something is needed which is not there.

    Args:
        files: The tree.
        reached: What the image starts.
        env: Variables of its config.
        account: Name of the user that it runs as; empty if the user has none.
        is_own: Whether a program is worth the look: an interpreter, which knows all, is not.
    """
    there = {
        Need.CERTIFICATES: bool(certificates(files, env)),
        Need.ZONES: bool(zones(files, env)),
        Need.TEMPORARY: files.lstat(_TMP) is not None or "TMPDIR" in env,
        Need.ACCOUNT: bool(account),
    }
    zone = env.get("TZ", "").lstrip(":")
    if not there[Need.ZONES] and zone not in _UTC and "/" in zone and files.find(zone) is None:
        yield Evidence(Need.ZONES, "", f"TZ is `{zone}`")
    if not all(there.values()):
        wanted = frozenset(need for need, is_there in there.items() if not is_there)
        found = [*_of_commands(reached.uses), *_of_files(files, reached, wanted, is_own)]
        yield from (each for each in found if each.need in wanted)


def _of_commands(uses: Iterable[Use]) -> Iterator[Evidence]:
    for use in uses:
        if not use.path or use.how is How.INTERPRETER:
            continue
        path = use.by or use.path
        name = use.name.rpartition("/")[2]
        url = next((word for word in use.arguments if word.startswith("https://")), "")
        insecure = {"-k", "--insecure", "--no-check-certificate"} & set(use.arguments)
        if name in _CLIENTS and url and not insecure:
            yield Evidence(Need.CERTIFICATES, path, f"`{name}` is called with `{url}`")
        elif name == "mktemp" and not {"-p", "--tmpdir"} & set(use.arguments):
            yield Evidence(Need.TEMPORARY, path, "`mktemp` is called")
        elif name in _ASKS_ACCOUNT and use.path.rpartition("/")[0] in _SYSTEM:
            yield Evidence(Need.ACCOUNT, path, f"`{name}` asks for it")


def _of_files(
    files: Files, reached: Reached, wanted: frozenset[Need], is_own: Callable[[str], bool]
) -> Iterator[Evidence]:
    for path in reached.paths:
        use = reached.first(path)
        st = files.lstat(path)
        if use is None or st is None or not st.is_file or files.size(path) > _MAX_PROGRAM:
            continue
        if use.how is How.READ:
            text = files.read(path, _MAX_TEXT, whole=False) or b""
            host = _host(text)
            if host and re.search(_TEXT_TLS, text):
                yield Evidence(Need.CERTIFICATES, path, f"it has the address `https://{host}`")
        elif is_own(path):
            yield from _of_program(files, path, wanted)


def _of_program(files: Files, path: str, wanted: frozenset[Need]) -> Iterator[Evidence]:
    """Look through a program; each search is done only if those before it found something."""
    file = files.open(path)
    if file is None:
        return
    with file:
        data = file.read(_MAX_PROGRAM)
    if not data.startswith(b"\x7fELF"):
        return

    def has(*marks: bytes) -> bool:
        return any(mark in data for mark in marks)

    if Need.CERTIFICATES in wanted and has(*_VERIFIES):
        host = _endpoint(data)
        if host and not has(*_CARRIES):
            reason = f"it verifies certificates, and has the address `https://{host}`"
            yield Evidence(Need.CERTIFICATES, path, reason)
    if Need.ZONES in wanted and has(_LOADS_ZONE):
        zone = _zone(data)
        if zone and not has(_CARRIES_ZONES):
            yield Evidence(Need.ZONES, path, f"it loads time zones, and names `{zone}`")
    if Need.TEMPORARY in wanted and has(_TEMPORARY) and not has(_UPLOADS):
        yield Evidence(Need.TEMPORARY, path, "it makes temporary files")


def _zone(data: bytes) -> str:
    for continent in _CONTINENTS:  # ten times as fast as one expression for all
        at = data.find(continent)
        city = None if at < 0 else _CITY.match(data, at + len(continent))
        if city is not None:
            return (continent + city.group()).decode()
    return ""


def _endpoint(data: bytes) -> str:
    """Return the first host whose address looks like one that is called, and not like a page."""
    for match in re.finditer(_URL, data):
        if not re.search(_PUBLIC, match.group(1)) and re.search(_CALLED, match.group()):
            return match.group(1).decode()
    return ""


def _host(data: bytes) -> str:
    for match in re.finditer(_URL, data):
        if not re.search(_PUBLIC, match.group(1)):
            return match.group(1).decode()
    return ""


def _names(files: Files, directory: str) -> list[str]:
    try:
        return files.tree.names(resolve(files, directory))
    except OSError:
        return []
