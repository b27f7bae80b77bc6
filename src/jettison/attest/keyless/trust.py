"""Which authority, logs and clocks are trusted, and which services sign.

In:  files of a private deployment; else the public one, whose keys are asked for with TUF.
Out: the library's ``TrustedRoot`` and ``SigningContext``.

Source: sigstore protobuf-specs, ``sigstore_trustroot.proto``: TrustedRoot 0.1, SigningConfig 0.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jettison.attest.keyless.library import reason, require_library
from jettison.errors import SourceError, UsageError

if TYPE_CHECKING:
    from sigstore.models import SigningConfig, TrustedRoot


def trusted_root(file: str) -> TrustedRoot:
    """Return what is trusted.

    Args:
        file: A file of it; empty is the public deployment.

    Raises:
        UsageError: the file is none, or the library is not there.
        SourceError: it cannot be read, or the public deployment does not answer.
    """
    require_library()
    from sigstore._internal.trust import KeyringPurpose  # no other place has it
    from sigstore.models import TrustedRoot

    if not file:
        return _public()[0]
    try:
        root = TrustedRoot.from_file(file)
        # What is missing is told now, not of each document.
        root.get_fulcio_certs()
        root.get_timestamp_authorities()
        root.ct_keyring(KeyringPurpose.VERIFY)
        root.rekor_keyring(KeyringPurpose.VERIFY)
    except OSError as error:
        raise SourceError(f"cannot read `{file}`: {error.strerror}") from error
    except Exception as error:
        raise UsageError(
            f"`{file}` is no trusted root of sigstore's: {reason(error)}",
            hint="make one with `cosign trusted-root create`",
        ) from error
    return root


def signing_config(file: str) -> SigningConfig:
    """Return which services sign; see ``trusted_root``."""
    require_library()
    from sigstore.models import SigningConfig

    if not file:
        return _public()[1]
    try:
        return SigningConfig.from_file(file)
    except OSError as error:
        raise SourceError(f"cannot read `{file}`: {error.strerror}") from error
    except Exception as error:
        raise UsageError(
            f"`{file}` is no signing config of sigstore's: {reason(error)}",
            hint="make one with `cosign signing-config create`",
        ) from error


def _public() -> tuple[TrustedRoot, SigningConfig]:
    from sigstore.models import ClientTrustConfig

    try:
        found = ClientTrustConfig.production()
        public = found.trusted_root, found.signing_config
    except Exception as error:
        raise SourceError(
            f"the keys of the public sigstore cannot be asked for: {reason(error)}",
            hint="check the network, or name a file with --trusted-root",
        ) from error
    return public
