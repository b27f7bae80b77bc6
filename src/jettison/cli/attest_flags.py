"""Flags of ``build`` about attestations: ``--provenance``, ``--sbom``, ``--attest``, ``--sign``.

In:  nothing; values as written.
Out: click options; an ``AttestRequest``, who signs.

Source: buildx's flags of the same names; of several values for a type the last one counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import click

from jettison.attest.request import (
    CLIENT_ID,
    PROVENANCE,
    SBOM,
    AttestRequest,
    KeylessRequest,
    attest_request,
)
from jettison.cli.optional_values import OptionalValue
from jettison.cli.options import all_of
from jettison.cli.values import fields, texts
from jettison.errors import UsageError
from jettison.spelling import truth

_BOOLEANS = ("true", "false", "1", "0")
_ATTRIBUTES = {
    PROVENANCE: ("mode", "version", "builder-id", "filename", "reproducible", "inline-only"),
    SBOM: ("generator", "scan-stage"),
}

_KEYLESS = ("identity-token", "signing-config", "trusted-root", "oidc-client-id")

OPTIONAL_VALUES = {
    "--sign": OptionalValue("true", frozenset({*_BOOLEANS, "key", *_KEYLESS})),
} | {
    f"--{kind}": OptionalValue("true", frozenset({*_BOOLEANS, *names, "inline", "disabled"}))
    for kind, names in _ATTRIBUTES.items()
}


def attest_flags(command: Callable[..., object]) -> Callable[..., object]:
    """Let a function have the flags."""
    decorate = all_of(
        click.option(
            "--provenance",
            default="",
            metavar="[ATTRIBUTES]",
            help="Attest how the image was made: mode=min|max,builder-id=… (off without it).",
        ),
        click.option(
            "--sbom",
            default="",
            metavar="[ATTRIBUTES]",
            help="Attest which packages the image has; scan-stage=true|NAME: stages, too.",
        ),
        click.option(
            "--attest",
            multiple=True,
            metavar="type=…",
            help="Attestation: type=provenance|sbom with its attributes, inline.",
        ),
        click.option(
            "--sign",
            default="",
            metavar="[key=FILE]",
            help="Sign what is pushed, and what is attested of it, as cosign does; without a key:"
            " identity-token=…, signing-config=FILE,trusted-root=FILE.",
        ),
    )
    return decorate(command)


def attest_of(flags: Mapping[str, object]) -> AttestRequest:
    """Return what is to be attested.

    Raises:
        UsageError: a type or an attribute is not known, or not done.
    """
    if not (flags["attest"] or flags["provenance"] or flags["sbom"]):
        return AttestRequest()
    given: dict[str, dict[str, str]] = {}
    for text in texts(flags, "attest"):
        attributes = _attributes("--attest", text)
        kind = attributes.pop("type", "")
        if not kind:
            raise UsageError(
                f"--attest `{text}` has no type", hint="write type=provenance or type=sbom"
            )
        given[kind] = attributes
    for kind in (PROVENANCE, SBOM):
        text = str(flags[kind] or "")
        if text:
            given[kind] = _short(f"--{kind}", text)
    return attest_request(given)


def signer_of(flags: Mapping[str, object]) -> str | KeylessRequest:
    """Return the key that signs, or how that is done without one; empty is not.

    Raises:
        UsageError: the value of ``--sign`` is malformed; a token in it is not repeated.
    """
    text = str(flags["sign"] or "")
    word = truth(text) if text else False
    if word is not None:
        return KeylessRequest() if word else ""
    try:
        attributes = fields("--sign", text)
    except UsageError:
        attributes = {}
    key = attributes.pop("key", "")
    keyless = {name: attributes.pop(name) for name in _KEYLESS if name in attributes}
    if attributes or bool(keyless) is bool(key):
        raise UsageError(
            "the value of --sign is malformed",
            hint=f"write --sign, --sign key=FILE, or of a signature without a key some of"
            f" {', '.join(_KEYLESS)}",
        )
    return key or keyless_of({name.replace("-", "_"): value for name, value in keyless.items()})


def keyless_of(flags: Mapping[str, str]) -> KeylessRequest:
    """Return how to sign without a key, of values by the names of their flags."""
    return KeylessRequest(
        flags.get("identity_token", ""),
        flags.get("signing_config", ""),
        flags.get("trusted_root", ""),
        flags.get("oidc_client_id", "") or CLIENT_ID,
    )


def _short(flag: str, text: str) -> dict[str, str]:
    """Return the attributes of a short form; ``false`` is none of it."""
    lower = text.lower()
    if lower in {"true", "1", "t"}:
        return {}
    if lower in {"false", "0", "f"}:
        return {"disabled": "true"}
    return _attributes(flag, text)


def _attributes(flag: str, text: str) -> dict[str, str]:
    """Return attributes; ``inline`` and other switches need no value."""
    parts = text.split(",")
    switches = {"inline", "inline-only", "reproducible", "disabled"}
    written = [f"{each}=true" if each.strip() in switches else each for each in parts]
    return fields(flag, ",".join(written))
