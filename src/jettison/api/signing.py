"""Signing images and what is said of them, as cosign does.

In:  a key, images that a registry has, statements that were made here.
Out: signatures beside them.

Security: statements that a registry has are not signed: whoever may push there could have made
them.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from jettison.api.session import Session
from jettison.errors import ImageNotFoundError, InvalidManifestError, SourceError, UsageError
from jettison.image.signed_tags import ATTESTATIONS, SIGNATURES, put_signed
from jettison.oci.digest import Digest, sha256_digest
from jettison.oci.manifest import Descriptor
from jettison.oci.reference import Reference, parse_reference
from jettison.registry.client import RegistryClient

if TYPE_CHECKING:
    from jettison.attest.keys import PrivateKey

PASSWORD = "COSIGN_PASSWORD"  # noqa: S105 - name of a variable
ENVIRONMENT = "env://"
_PREDICATE_TYPE = "predicateType"
_REMOTE = ("://", "awskms:", "gcpkms:", "azurekms:", "hashivault:", "k8s:", "pkcs11:")


class Signed(msgspec.Struct, frozen=True):
    """An image that was signed, and by whom, if it was not by a key."""

    reference: str
    digest: Digest
    by: str = ""


def read_key(name: str, environ: Mapping[str, str]) -> bytes:
    """Return the PEM of a key file, or of ``env://VARIABLE``.

    Raises:
        UsageError: it is no file and no variable.
        SourceError: it cannot be read.
    """
    from jettison.attest.keys import MAX_KEY_BYTES

    if name.startswith(ENVIRONMENT):
        variable = name.removeprefix(ENVIRONMENT)
        if variable not in environ:
            raise UsageError(
                f"the variable `{variable}` is not set", hint="put the key's PEM in it"
            )
        return environ[variable].encode()
    if any(each in name for each in _REMOTE):
        raise UsageError(
            f"key `{name}`: keys of other machines are not used",
            hint=f"name a file, or `{ENVIRONMENT}VARIABLE`",
        )
    try:
        with Path(name).open("rb") as file:
            data = file.read(MAX_KEY_BYTES + 1)
    except OSError as error:
        raise SourceError(f"cannot read the key `{name}`: {error.strerror}") from error
    if len(data) > MAX_KEY_BYTES:
        raise UsageError(f"`{name}` is too large for a key")
    return data


def open_key(
    name: str, environ: Mapping[str, str], ask: Callable[[], str] | None = None
) -> PrivateKey:
    """Return a private key.

    Args:
        name: See ``read_key``.
        environ: Has the password in ``COSIGN_PASSWORD``.
        ask: Asks for the password; None where nobody can be asked.

    Raises:
        UsageError, SourceError: it cannot be had.
    """
    from jettison.attest.keys import needs_password, private_key

    data = read_key(name, environ)
    password = environ.get(PASSWORD)
    if password is None and needs_password(data):
        if ask is None:
            raise UsageError(
                f"the key `{name}` has a password", hint=f"set it in the variable {PASSWORD}"
            )
        password = ask()
    return private_key(data, (password or "").encode(), name)


class ImageSigner(Protocol):
    """Signs what registries have, and puts the signature beside it.

    Each method raises ``RegistryError`` if the registry refuses; what else is up to who signs.
    """

    def digest(
        self, client: RegistryClient, target: Reference, subject: Descriptor, *, insecure: bool
    ) -> str:
        """Sign a manifest or an index; return who has signed, as ``by NAME``, empty of a key."""

    def statements(
        self,
        client: RegistryClient,
        target: Reference,
        subject: Descriptor,
        statements: Sequence[tuple[str, bytes]],
        *,
        insecure: bool,
    ) -> None:
        """Sign statements about a manifest, given with their predicate types."""


class KeySigner:
    """Signs with a key, as cosign 2 does; see ``ImageSigner``.

    Earlier signatures by the same key give way, those of others stay.

    Args:
        key: It.
    """

    def __init__(self, key: PrivateKey) -> None:
        self._key = key

    def digest(
        self, client: RegistryClient, target: Reference, subject: Descriptor, *, insecure: bool
    ) -> str:
        """Sign a manifest or an index, in place of an earlier signature by the same key."""
        from jettison.attest.envelope import unbase64
        from jettison.attest.payload import (
            MAX_PAYLOAD_BYTES,
            PAYLOAD_TYPE,
            SIGNATURE,
            signature_payload,
        )

        payload = signature_payload(target.name, subject.digest)
        signature = base64.b64encode(self._key.sign(payload)).decode()
        descriptor = Descriptor(
            PAYLOAD_TYPE, sha256_digest(payload), len(payload), annotations={SIGNATURE: signature}
        )

        def is_of_others(there: Descriptor, data: bytes) -> bool:
            try:
                return not self._key.public().verify(
                    unbase64(there.annotations.get(SIGNATURE, "")), data
                )
            except ValueError:
                return True

        put_signed(
            client,
            target,
            subject.digest,
            SIGNATURES,
            [(descriptor, payload)],
            keep=is_of_others,
            limit=MAX_PAYLOAD_BYTES,
            insecure=insecure,
        )
        return ""

    def statements(
        self,
        client: RegistryClient,
        target: Reference,
        subject: Descriptor,
        statements: Sequence[tuple[str, bytes]],
        *,
        insecure: bool,
    ) -> None:
        """Sign statements, in place of those of the same kinds by the same key."""
        from jettison.attest.envelope import (
            ENVELOPE_TYPE,
            MAX_ENVELOPE_BYTES,
            encode_envelope,
            open_envelope,
        )
        from jettison.attest.payload import SIGNATURE

        if not statements:
            return
        made = []
        for kind, data in statements:
            envelope = encode_envelope(data, self._key.sign)
            notes = {SIGNATURE: "", _PREDICATE_TYPE: kind}
            descriptor = Descriptor(
                ENVELOPE_TYPE, sha256_digest(envelope), len(envelope), annotations=notes
            )
            made.append((descriptor, envelope))
        kinds = {kind for kind, _ in statements}

        def is_other(there: Descriptor, data: bytes) -> bool:
            if there.annotations.get(_PREDICATE_TYPE) not in kinds:
                return True
            try:
                return open_envelope(data, self._key.public().verify) is None
            except InvalidManifestError:
                return True

        put_signed(
            client,
            target,
            subject.digest,
            ATTESTATIONS,
            made,
            keep=is_other,
            limit=MAX_ENVELOPE_BYTES,
            insecure=insecure,
        )


def sign_image(session: Session, name: str, signer: ImageSigner) -> Signed:
    """Sign an image of a registry.

    Raises:
        ImageNotFoundError: there is no such image.
        RegistryError: the registry cannot be asked, or refuses.
        UsageError, SourceError, ExportError: nobody says who signs, or it cannot be done.
    """
    reference = parse_reference(name)
    client = session.registry()
    subject = client.resolve(reference)
    if subject is None:
        raise ImageNotFoundError(
            f"the registry has no image `{reference.familiar}` to sign",
            hint="push it before: signatures are kept beside it",
        )
    by = signer.digest(client, reference, subject, insecure=False)
    return Signed(reference.familiar, subject.digest, by)
