"""Where distributions keep the certificates that they trust."""

from __future__ import annotations

import os

BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Arch, Gentoo
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # Fedora, RHEL
    "/etc/pki/tls/certs/ca-bundle.crt",  # RHEL 6
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/ssl/cert.pem",  # Alpine
    "/var/lib/ca-certificates/ca-bundle.pem",
)


def distribution_bundle() -> str:
    """Return the path of this distribution's bundle of certificates; empty if there is none."""
    return next(filter(os.path.isfile, BUNDLES), "")
