"""Which certificates of servers are trusted.

In:  the URL of a server.
Out: an ``ssl.SSLContext``.

The system's bundle counts (``SSL_CERT_FILE``, ``SSL_CERT_DIR``), and ``certs.d/HOST`` of docker and
containers. A Python that was made on another distribution looks for the bundle where that one has
it: where nothing is there, this distribution's is taken.
"""

from __future__ import annotations

import itertools
import os
import ssl

from jettison.errors import RegistryError
from jettison.linux.certificates import distribution_bundle
from jettison.oci.url import Url

_CERTIFICATE_DIRECTORIES = ("/etc/docker/certs.d", "/etc/containers/certs.d")


def tls_context(url: Url, *, insecure: bool) -> ssl.SSLContext:
    """Return what connections to a URL's server are checked with.

    Args:
        url: Of the server.
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
    for parent, place in itertools.product(_CERTIFICATE_DIRECTORIES, places):
        directory = os.path.join(parent, place)
        try:
            names = sorted(os.listdir(directory))
            for name in names:
                path = os.path.join(directory, name)
                if name.endswith(".crt"):
                    context.load_verify_locations(path)
                elif name.endswith(".cert") and f"{name[:-5]}.key" in names:
                    context.load_cert_chain(path, os.path.join(directory, f"{name[:-5]}.key"))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, ssl.SSLError) as error:
            raise RegistryError(f"cannot load the certificates in `{directory}`") from error
    return context
