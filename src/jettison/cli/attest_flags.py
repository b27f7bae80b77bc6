"""Flags of ``build`` about attestations: ``--provenance``, ``--sbom``, ``--attest``, ``--sign``.

In:  nothing; values as written.
Out: click options; an ``AttestRequest``, a key.

Source: buildx's flags of the same names; of several values for a type the last one counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import click

from jettison.attest.request import PROVENANCE, SBOM, AttestRequest, attest_request
from jettison.cli.optional_values import OptionalValue
from jettison.cli.options import all_of
from jettison.cli.values import fields, texts
from jettison.errors import UsageError

_BOOLEANS = ("true", "false", "1", "0")
_ATTRIBUTES = {
    PROVENANCE: ("mode", "version", "builder-id", "filename", "reproducible", "inline-only"),
    SBOM: ("generator", "scan-stage"),
}

OPTIONAL_VALUES = {
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
            metavar="key=FILE",
            help="Sign what is pushed, and what is attested of it, as cosign does.",
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


def key_of(flags: Mapping[str, object]) -> str:
    """Return the key that signs; empty is none.

    Raises:
        UsageError: the value of ``--sign`` is malformed.
    """
    text = str(flags["sign"] or "")
    attributes = fields("--sign", text) if text else {}
    key = attributes.pop("key", "")
    if attributes or bool(text) is not bool(key):
        raise UsageError(f"--sign `{text}` is malformed", hint="write --sign key=FILE")
    return key


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
