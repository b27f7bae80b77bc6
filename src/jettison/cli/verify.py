"""Commands about signatures: sign, verify."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click
import msgspec

from jettison.api.session import Session
from jettison.cli.flags import DockerCommand
from jettison.cli.session import in_session
from jettison.console.terminal import err, out, out_json
from jettison.errors import UsageError
from jettison.linux.text import printable

if TYPE_CHECKING:
    from jettison.api.verify import Verified

_KEYLESS = (
    "keyless signatures are not looked at: certificates of sigstore's authority and its log would"
    " have to be checked"
)


@click.command("sign", cls=DockerCommand)
@click.argument("image")
@click.option("--key", default="", metavar="FILE", help="Private key, or env://VARIABLE.")
@click.pass_context
def sign(ctx: click.Context, /, image: str, *, key: str) -> int:
    """Sign an image of a registry, as cosign does.

    The key is one of cosign's or openssl's; its password is taken from COSIGN_PASSWORD, else asked
    for.
    """
    if not key:
        raise UsageError(
            "sign needs a key: keyless signing asks for a person and a network",
            hint="name one with --key FILE",
        )

    def work(session: Session) -> int:
        from jettison.api.signing import open_key, sign_image

        ask = _ask if sys.stdin.isatty() else None
        signed = sign_image(session, image, open_key(key, os.environ, ask))
        out(f"signed {signed.reference}\n  digest {signed.digest}\n")
        return 0

    return in_session(ctx, work)


@click.command("verify", cls=DockerCommand)
@click.argument("image")
@click.option("--key", default="", metavar="FILE", help="Public key, or env://VARIABLE.")
@click.option(
    "--type",
    "kind",
    default="",
    metavar="TYPE",
    help="Attestation that must be there: slsaprovenance, spdx, cyclonedx or a URI.",
)
@click.option("--platform", default="", metavar="OS/ARCH", help="Platform of an image for several.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json"]),
    default="text",
    help="What is printed: what is proved, or that with what attestations say.",
)
@click.option("--certificate-identity", default="", metavar="NAME", hidden=True)
@click.option("--certificate-identity-regexp", default="", metavar="PATTERN", hidden=True)
@click.option("--certificate-oidc-issuer", default="", metavar="URL", hidden=True)
@click.option("--certificate-oidc-issuer-regexp", default="", metavar="PATTERN", hidden=True)
@click.pass_context
def verify(
    ctx: click.Context,
    /,
    image: str,
    *,
    key: str,
    kind: str,
    platform: str,
    output: str,
    **certificate: str,
) -> int:
    """Check that a key has signed an image, and show what that proves.

    Without --type the image must be signed; with it, an attestation of that type must be there that
    is signed and about this very image. Signatures of cosign count.
    """
    if any(certificate.values()):
        raise UsageError(
            _KEYLESS, hint="verify them with `cosign verify`, or name a key with --key"
        )
    if not key:
        raise UsageError("verify needs a public key", hint="name one with --key FILE")

    def work(session: Session) -> int:
        from jettison.api.signing import read_key
        from jettison.api.verify import predicate_types, verify_image
        from jettison.attest.keys import public_key

        predicate_types(kind)
        opened = public_key(read_key(key, os.environ), key)
        found = verify_image(session, image, opened, kind=kind, platform=platform)
        if output == "json":
            _print_json(found)
        else:
            _print(found)
        return 0

    return in_session(ctx, work)


def _print(found: Verified) -> None:
    out(f"verified {found.reference}\n  digest {found.digest}\n")
    if found.signatures:
        out("  the image is signed by this key\n")
    for each in found.attestations:
        about = "" if each.digest == found.digest else f" of {each.digest}"
        out(f"  attestation {printable(each.predicate_type)}{about} is signed by this key\n")
    for reason in found.rejected:
        err(f"note: another document beside it proves nothing: {printable(reason)}\n")


def _print_json(found: Verified) -> None:
    document = {
        "reference": found.reference,
        "digest": found.digest,
        "signatures": found.signatures,
        "attestations": [
            {
                "digest": each.digest,
                "predicateType": each.predicate_type,
                "predicate": msgspec.Raw(each.predicate),
            }
            for each in found.attestations
        ],
    }
    out_json(msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n")


def _ask() -> str:
    answer = click.prompt("Password of the key", hide_input=True, default="", show_default=False)
    return str(answer)
