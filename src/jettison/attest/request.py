"""What is to be attested, and who signs: ``--provenance``, ``--sbom``, ``--attest``, ``--sign``.

In:  attributes as buildx spells them.
Out: frozen structs, checked when they are made.

This module is imported by every build: what it needs, it imports where it is used.

Source: BuildKit's attestation attributes.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from jettison.errors import UsageError
from jettison.spelling import truth

PROVENANCE = "provenance"
SBOM = "sbom"
TYPES = (PROVENANCE, SBOM)

CLIENT_ID = "sigstore"
"""Audience of tokens for the public sigstore."""
MODES = ("min", "max")


class ProvenanceRequest(msgspec.Struct, frozen=True):
    """How the build is to be described.

    Args:
        mode: ``min``, or ``max`` with build arguments, the Dockerfile and the steps.
        builder_id: URI of who built; empty is Jettison's own.
        filename: Of the file beside exported files.
        reproducible: Whether the builder claims that the build is.
        inline_only: Leave it out beside exported files.
        inline: Put it into the index, not beside the image, where an output leaves the choice.

    Raises:
        UsageError: there is no such mode, or the file's name is a path.
    """

    mode: str = "min"
    builder_id: str = ""
    filename: str = "provenance.json"
    reproducible: bool = False
    inline_only: bool = False
    inline: bool = False

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise UsageError(f"provenance has no mode `{self.mode}`", hint="use min or max")
        require_file_name(self.filename)


class SbomRequest(msgspec.Struct, frozen=True):
    """How the packages of the image are to be listed.

    Args:
        stages: Names or numbers of stages that are listed as well.
        all_stages: All stages that the build needed are listed as well.
        inline: See ``ProvenanceRequest``.
    """

    stages: tuple[str, ...] = ()
    all_stages: bool = False
    inline: bool = False


class AttestRequest(msgspec.Struct, frozen=True):
    """What is wanted; None is not."""

    provenance: ProvenanceRequest | None = None
    sbom: SbomRequest | None = None

    def __bool__(self) -> bool:
        return self.provenance is not None or self.sbom is not None


class KeylessRequest(msgspec.Struct, frozen=True):
    """How to sign without a key.

    Args:
        identity_token: Says who signs, or the file that has it; empty asks the environment, the CI
            system, then the person.
        signing_config: File that says which services sign; empty is the public deployment.
        trusted_root: File with the keys of those services; both or none.
        client_id: Whom tokens must be for.

    Raises:
        UsageError: one of both files is missing.
    """

    identity_token: str = ""
    signing_config: str = ""
    trusted_root: str = ""
    client_id: str = CLIENT_ID

    def __post_init__(self) -> None:
        if bool(self.signing_config) is not bool(self.trusted_root):
            raise UsageError(
                "a signing config and a trusted root go together",
                hint="name the files of both, or of none for the public sigstore",
            )


def attest_request(given: Mapping[str, Mapping[str, str]]) -> AttestRequest:
    """Return what is wanted.

    Args:
        given: Attributes by type; the type's own name is not among them.

    Raises:
        UsageError: a type or an attribute is not known, or not done.
    """
    for kind in given:
        if kind not in TYPES:
            raise UsageError(f"unknown attestation type `{kind}`", hint=f"use {' or '.join(TYPES)}")
    return AttestRequest(
        _provenance(given[PROVENANCE]) if PROVENANCE in given else None,
        _sbom(given[SBOM]) if SBOM in given else None,
    )


def require_file_name(name: str) -> None:
    """See that a name is one of a file, not a path.

    Raises:
        UsageError: it is none.
    """
    if not name or "/" in name or "\0" in name or name in {".", ".."}:
        raise UsageError(f"`filename={name}` is no name of a file", hint="leave directories out")


def _provenance(attributes: Mapping[str, str]) -> ProvenanceRequest | None:
    left = dict(attributes)
    if _flag(PROVENANCE, left, "disabled"):
        return None
    version = left.pop("version", "v1")
    if version != "v1":
        raise UsageError(
            f"provenance is written as SLSA v1, not `version={version}`", hint="leave `version` out"
        )
    mode = left.pop("mode", "") or "min"
    builder_id = left.pop("builder-id", "")
    filename = left.pop("filename", "provenance.json")
    flags = [_flag(PROVENANCE, left, name) for name in ("reproducible", "inline-only", "inline")]
    _require_taken(
        PROVENANCE, left, "mode, builder-id, filename, reproducible, inline-only, inline"
    )
    return ProvenanceRequest(mode, builder_id, filename, *flags)


def _sbom(attributes: Mapping[str, str]) -> SbomRequest | None:
    left = dict(attributes)
    if _flag(SBOM, left, "disabled"):
        return None
    if "generator" in left:
        raise UsageError(
            "no generator images are run: Jettison lists packages itself",
            hint="leave `generator` out; `jettison sbom` shows what is found",
        )
    stages = tuple(filter(None, left.pop("scan-stage", "").replace("+", ",").split(",")))
    inline = _flag(SBOM, left, "inline")
    _require_taken(SBOM, left, "scan-stage, inline")
    return sbom_of_stages(stages, inline=inline)


def sbom_of_stages(stages: tuple[str, ...], *, inline: bool = False) -> SbomRequest:
    """Return what is to be listed; one word that is true or false stands for all stages or none."""
    word = truth(stages[0]) if len(stages) == 1 else None
    return SbomRequest(stages if word is None else (), word is True, inline)


def _flag(kind: str, left: dict[str, str], name: str) -> bool:
    if name not in left:
        return False
    value = left.pop(name).lower()
    found = truth(value)
    if found is None:
        raise UsageError(f"`{name}={value}` of `type={kind}` is neither true nor false")
    return found


def _require_taken(kind: str, left: Mapping[str, str], known: str) -> None:
    if left:
        raise UsageError(
            f"unknown attribute `{min(left)}` of `type={kind}`", hint=f"it takes {known}"
        )
