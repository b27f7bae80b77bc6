"""Commands about signatures: sign, verify."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
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
    from jettison.api.signing import ImageSigner
    from jettison.api.verify import Verified
    from jettison.attest.verify import Proof, Trust


def _trusted_root_flag(command: Callable[..., int]) -> Callable[..., int]:
    decorate = click.option(
        "--trusted-root",
        default="",
        metavar="FILE",
        help="Keys of a sigstore of one's own; else the public one.",
    )
    return decorate(command)


@click.command("sign", cls=DockerCommand)
@click.argument("image")
@click.option("--key", default="", metavar="FILE", help="Private key, or env://VARIABLE.")
@click.option(
    "--identity-token",
    default="",
    metavar="TOKEN",
    help="Token that says who signs without a key, or its file.",
)
@click.option(
    "--signing-config",
    default="",
    metavar="FILE",
    help="Services of a sigstore of one's own, with --trusted-root.",
)
@_trusted_root_flag
@click.option(
    "--oidc-client-id",
    default="",
    metavar="NAME",
    help="Whom the token must be for (sigstore).",
)
@click.pass_context
def sign(ctx: click.Context, /, image: str, *, key: str, **keyless: str) -> int:
    """Sign an image of a registry, as cosign does.

    The key is one of cosign's or openssl's; its password is taken from COSIGN_PASSWORD, else asked
    for. Without a key an identity signs: that of --identity-token, SIGSTORE_ID_TOKEN, the CI
    system, or of the person who logs in with a browser. It is then in a log that anybody can read.
    """
    if key and any(keyless.values()):
        raise UsageError(
            f"--key and {_given(keyless)} are two ways to sign", hint="leave one of them out"
        )

    def work(session: Session) -> int:
        from jettison.api.signing import sign_image

        signed = sign_image(session, image, _signer(session, key, keyless))
        by = f"  {printable(signed.by)}\n" if signed.by else ""
        out(f"signed {signed.reference}\n  digest {signed.digest}\n{by}")
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
@click.option(
    "--certificate-identity",
    default="",
    metavar="NAME",
    help="Who must have signed without a key: an address, or the URI of a workflow.",
)
@click.option(
    "--certificate-identity-regexp",
    default="",
    metavar="PATTERN",
    help="The same as a pattern, which may match anywhere: write ^…$.",
)
@click.option(
    "--certificate-oidc-issuer",
    default="",
    metavar="URL",
    help="Who must have said who that is.",
)
@click.option(
    "--certificate-oidc-issuer-regexp", default="", metavar="PATTERN", help="The same as a pattern."
)
@_trusted_root_flag
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
    trusted_root: str,
    **certificate: str,
) -> int:
    """Check who has signed an image, and show what that proves.

    It is a key (--key), or an identity that a certificate names and who vouches for it
    (--certificate-identity, --certificate-oidc-issuer).

    Without --type the image must be signed; with it, an attestation of that type must be there that
    is signed and about this very image. Signatures of cosign count.
    """
    if not key and not any(certificate.values()):
        raise UsageError(
            "verify must be told who has signed: a public key, or an identity",
            hint="name one with --key FILE, or --certificate-identity and"
            " --certificate-oidc-issuer",
        )
    given = {**certificate, "trusted_root": trusted_root}
    if key and any(given.values()):
        raise UsageError(
            f"--key and {_given(given)} are two ways to verify", hint="leave one of them out"
        )

    def work(session: Session) -> int:
        from jettison.api.verify import predicate_types, verify_image

        predicate_types(kind)
        trust = _trust_in_key(key) if key else _trust_in_identity(certificate, trusted_root)
        found = verify_image(session, image, trust, kind=kind, platform=platform)
        if output == "json":
            _print_json(found)
        else:
            _print(found)
        return 0

    return in_session(ctx, work)


def _signer(session: Session, key: str, keyless: dict[str, str]) -> ImageSigner:
    terminal = sys.stdin.isatty()
    if key:
        from jettison.api.signing import KeySigner, open_key

        return KeySigner(open_key(key, os.environ, _ask if terminal else None))
    from jettison.api.signing_keyless import keyless_signer
    from jettison.cli.attest_flags import keyless_of

    return keyless_signer(
        session, keyless_of(keyless), interactive=terminal and sys.stderr.isatty()
    )


def _trust_in_key(key: str) -> Trust:
    from jettison.api.signing import read_key
    from jettison.attest.keys import public_key
    from jettison.attest.verify import KeyTrust

    return KeyTrust(public_key(read_key(key, os.environ), key).verify)


def _trust_in_identity(certificate: dict[str, str], root: str) -> Trust:
    from jettison.attest.keyless.identity import ExpectedSigner
    from jettison.attest.keyless.trust import trusted_root
    from jettison.attest.keyless.verify import IdentityTrust

    expected = ExpectedSigner(
        certificate["certificate_identity"],
        certificate["certificate_identity_regexp"],
        certificate["certificate_oidc_issuer"],
        certificate["certificate_oidc_issuer_regexp"],
    )
    return IdentityTrust(trusted_root(root), expected)


def _given(flags: dict[str, str]) -> str:
    name = next(name for name, value in flags.items() if value)
    return f"--{name.replace('_', '-')}"


def _by(proof: Proof) -> str:
    return f"{printable(proof.signer)} ({printable(proof.issuer)})" if proof.signer else "this key"


def _print(found: Verified) -> None:
    out(f"verified {found.reference}\n  digest {found.digest}\n")
    for by in dict.fromkeys(map(_by, found.signatures)):
        out(f"  the image is signed by {by}\n")
    for each in found.attestations:
        about = "" if each.digest == found.digest else f" of {each.digest}"
        out(f"  attestation {printable(each.predicate_type)}{about} is signed by {_by(each)}\n")
    for reason in found.rejected:
        err(f"note: another document beside it proves nothing: {printable(reason)}\n")


def _print_json(found: Verified) -> None:
    document = {
        "reference": found.reference,
        "digest": found.digest,
        "signatures": len(found.signatures),
        "signers": [_signer_json(each) for each in found.signatures if each.signer],
        "attestations": [
            {
                "digest": each.digest,
                "predicateType": each.predicate_type,
                "predicate": msgspec.Raw(each.predicate),
                **(_signer_json(each) if each.signer else {}),
            }
            for each in found.attestations
        ],
    }
    out_json(msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n")


def _signer_json(proof: Proof) -> dict[str, str]:
    return {"identity": proof.signer, "issuer": proof.issuer}


def _ask() -> str:
    answer = click.prompt("Password of the key", hide_input=True, default="", show_default=False)
    return str(answer)
