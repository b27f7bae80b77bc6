"""Which certificates of servers are trusted, and which one of ours a server gets.

In:  the URL of a server, the environment.
Out: an ``ssl.SSLContext``.

The system's bundle counts (``SSL_CERT_FILE``, ``SSL_CERT_DIR``), and ``certs.d/HOST[:PORT]`` of
docker and containers: ``*.crt`` are authorities, ``*.cert`` with ``*.key`` are the client's. The
user's directories come first. A Python that was made on another distribution looks for the bundle
where that one has it: where nothing is there, this distribution's is taken.

Source: docker's "Verify repository client with certificates"; containers-certs.d(5).
"""

from __future__ import annotations

import itertools
import os
import ssl
from collections.abc import Iterator, Mapping, Sequence

from jettison.errors import RegistryError
from jettison.linux.certificates import distribution_bundle
from jettison.oci.url import Url

_SYSTEM_DIRECTORIES = ("/etc/containers/certs.d", "/etc/docker/certs.d")


def tls_context(url: Url, environ: Mapping[str, str], *, insecure: bool) -> ssl.SSLContext:
    """Return what connections to a URL's server are checked with.

    Args:
        url: Of the server.
        environ: Says where the user's configuration is.
        insecure: Whether nothing is checked.

    Raises:
        RegistryError: certificates of ``certs.d`` cannot be loaded.
    """
    context = ssl.create_default_context()
    usual = ssl.get_default_verify_paths()
    if not (usual.cafile or usual.capath) and (bundle := distribution_bundle()):
        context.load_verify_locations(bundle)
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    places = dict.fromkeys((url.authority, url.host_and_port))
    for parent, place in itertools.product(_directories(environ), places):
        directory = os.path.join(parent, place)
        try:
            names = sorted(os.listdir(directory))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise RegistryError(
                f"cannot read the certificates in `{directory}`: {error.strerror}"
            ) from error
        for name in names:
            _load(context, directory, name, names)
    return context


def _directories(environ: Mapping[str, str]) -> Iterator[str]:
    if home := environ.get("HOME"):
        base = environ.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
        yield from (os.path.join(base, each, "certs.d") for each in ("containers", "docker"))
    yield from _SYSTEM_DIRECTORIES


def _load(context: ssl.SSLContext, directory: str, name: str, names: Sequence[str]) -> None:
    path = os.path.join(directory, name)
    stem, extension = os.path.splitext(name)
    other = {".cert": f"{stem}.key", ".key": f"{stem}.cert"}.get(extension, name)
    if other not in names:
        raise RegistryError(
            f"`{path}` needs `{other}` beside it",
            hint="authorities are `*.crt`, a client's certificate is `*.cert`, its key `*.key`",
        )
    try:
        if extension == ".crt":
            context.load_verify_locations(path)
        elif extension == ".cert":
            # Without a password it would ask on the terminal.
            context.load_cert_chain(path, os.path.join(directory, other), password="")
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "reason", "") or error.strerror or "it is no PEM file"
        raise RegistryError(
            f"cannot load the certificates in `{directory}`: `{name}`: {reason}",
            hint="it must be PEM; a key must have no password",
        ) from error
