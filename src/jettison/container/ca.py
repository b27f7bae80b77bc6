"""The host's certificate authorities and proxies for RUN steps, without a trace in a layer.

In:  ``host``, or the path of a PEM file; the environment of the builder.
Out: a read-only mount and environment variables.

Networks that inspect TLS have an authority of their own, which no base image knows. The bundle is
mounted outside of any package's directory, and the variables of the usual programs point at it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from jettison.errors import UsageError
from jettison.linux.certificates import distribution_bundle
from jettison.sandbox.spec import BindMount

TARGET = "/dev/jettison/ca-bundle.pem"
"""Below ``/dev``, which is no part of images: no step finds a directory that its base lacks."""
HOST = "host"
NONE = "none"
VARIABLES = (
    "SSL_CERT_FILE",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
)
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")


class Authorities(msgspec.Struct, frozen=True):
    """What makes a container trust a bundle."""

    mount: BindMount
    env: tuple[str, ...]


def find_bundle(environ: Mapping[str, str]) -> Path | None:
    """Return the host's bundle: ``SSL_CERT_FILE``, else the distribution's; None without one."""
    named = environ.get("SSL_CERT_FILE", "")
    found = named if os.path.isfile(named) else distribution_bundle()
    return Path(os.path.realpath(found)) if found else None


def authorities(choice: str, environ: Mapping[str, str]) -> Authorities | None:
    """Return mount and variables for a choice of bundle; None when none is wanted.

    Args:
        choice: ``host`` or the path of a PEM file; ``none`` or empty.
        environ: Where ``SSL_CERT_FILE`` is looked up.

    Raises:
        UsageError: there is no such file.
    """
    if choice in {"", NONE}:
        return None
    path = find_bundle(environ) if choice == HOST else Path(choice)
    if path is None:
        raise UsageError(
            "this host has no certificate bundle in a known place",
            hint="Name it: `--ca-bundle /path/to/bundle.pem`.",
        )
    if not path.is_file():
        raise UsageError(f"the certificate bundle `{path}` is not a file")
    return Authorities(
        BindMount(path.resolve(), TARGET, readonly=True),
        tuple(f"{name}={TARGET}" for name in VARIABLES),
    )


def proxies(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the proxy variables of an environment, in the spellings that are set."""
    names = [spelling for name in PROXIES for spelling in (name, name.lower())]
    return {name: environ[name] for name in names if environ.get(name)}
