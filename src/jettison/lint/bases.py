"""What the names of well-known images say about them.

In:  a reference as FROM has it.
Out: ``BaseGuess``: its distribution, its C library, the languages in it.

Names are a convention, so this is for warnings only, and of no use for images of one's own.

Source: tags of the official images; release notes of the distributions (versions of glibc).
"""

from __future__ import annotations

import re

import msgspec

from jettison.errors import InvalidReferenceError
from jettison.oci.reference import parse_reference

OFFICIAL = frozenset(
    {
    "alpine", "almalinux", "amazonlinux", "archlinux", "bash", "buildpack-deps", "busybox",
    "caddy", "cassandra", "centos", "clojure", "composer", "consul", "couchdb", "crate", "dart",
    "debian", "docker", "eclipse-temurin", "elasticsearch", "elixir", "erlang", "fedora",
    "fluentd", "gcc", "ghost", "golang", "gradle", "groovy", "haproxy", "haskell", "httpd",
    "influxdb", "java", "jenkins", "jetty", "joomla", "jruby", "julia", "kibana", "kong",
    "logstash", "mariadb", "maven", "memcached", "mongo", "mono", "mysql", "nats", "neo4j",
    "nextcloud", "nginx", "node", "openjdk", "opensuse", "oraclelinux", "perl", "photon", "php",
    "postgres", "pypy", "python", "r-base", "rabbitmq", "redis", "registry", "rockylinux", "ruby",
    "rust", "sapmachine", "scratch", "sonarqube", "solr", "swift", "telegraf", "tomcat",
    "traefik", "ubuntu", "vault", "wordpress", "zookeeper",
    }
)  # fmt: skip
"""Names of images that nobody takes for a misspelt stage."""

_GLIBC = {
    "stretch": (2, 24), "buster": (2, 28), "bullseye": (2, 31), "bookworm": (2, 36),
    "trixie": (2, 41), "bionic": (2, 27), "focal": (2, 31), "jammy": (2, 35), "noble": (2, 39),
    "el7": (2, 17), "el8": (2, 28), "el9": (2, 34), "el10": (2, 39),
}  # fmt: skip
_RELEASES = {
    "debian": {"9": "stretch", "10": "buster", "11": "bullseye", "12": "bookworm", "13": "trixie"},
    "ubuntu": {"18.04": "bionic", "20.04": "focal", "22.04": "jammy", "24.04": "noble"},
    "centos": {"7": "el7", "8": "el8", "stream8": "el8", "stream9": "el9"},
} | {name: {str(n): f"el{n}" for n in (8, 9, 10)} for name in ("rockylinux", "almalinux")}
_ALIASES = {"nodejs": "node", "cpython": "python"}
_CODENAME = r"(?:^|[-.])(" + "|".join(_GLIBC) + r")(?:$|[-.])"
_VERSION = re.compile(r"\d+(?:\.\d+)*")
_ON_DEBIAN = frozenset(
    {
    "golang", "rust", "node", "python", "ruby", "php", "perl", "gcc", "openjdk", "eclipse-temurin",
    "maven", "gradle", "haskell", "elixir", "erlang", "dart", "swift", "nginx", "httpd",
    "tomcat", "postgres", "redis", "mysql", "mariadb",
    }
)  # fmt: skip


class BaseGuess(msgspec.Struct, frozen=True):
    """What an image probably is.

    Args:
        name: The last part of its repository: ``golang``.
        libc: ``glibc`` or ``musl``; empty if that is not known, or if it has none.
        release: Codename of its release; empty if it is not known.
        glibc: Version of its glibc; (0, 0) if it is not known.
        version: What its tag begins with, such as ``3.11``; empty without one.
    """

    name: str
    libc: str = ""
    release: str = ""
    glibc: tuple[int, int] = (0, 0)
    version: str = ""


def guess(image: str) -> BaseGuess | None:
    """Return what the name of an image says; None for ``scratch`` and what is no reference.

    >>> guess("golang:1.23-alpine").libc, guess("python:3.11-slim-bookworm").glibc
    ('musl', (2, 36))
    """
    if image == "scratch":
        return None
    try:
        reference = parse_reference(image)
    except InvalidReferenceError:
        return None
    name = reference.familiar.partition("@")[0].rpartition("/")[2].partition(":")[0]
    name = _ALIASES.get(name, name)
    tag = reference.tag or ""
    version = _VERSION.match(tag)
    number = version[0] if version is not None else ""
    if name == "alpine" or "alpine" in tag:
        return BaseGuess(name, "musl", version=number)
    release = _release(name, tag, number)
    glibc = _GLIBC.get(release, (0, 0))
    known = bool(release) or name in _RELEASES or name in _ON_DEBIAN or name == "fedora"
    return BaseGuess(name, "glibc" if known else "", release, glibc, number)


def _release(name: str, tag: str, number: str) -> str:
    found = re.search(_CODENAME, tag)
    if found is not None:
        return found[1]
    debian = re.search(r"-debian(\d+)$", name)  # as distroless images are called
    if debian is not None:
        return _RELEASES["debian"].get(debian[1], "")
    return _RELEASES.get(name, {}).get(tag.partition("-")[0] or number, "")
