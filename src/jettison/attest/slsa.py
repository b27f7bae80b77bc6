"""Provenance of a build as SLSA writes it, in the shape that buildx gives it.

In:  facts of a build, what is wanted of them.
Out: the predicate.

``min`` says from what, by whom and when; ``max`` also with which arguments, from which Dockerfile
and by which steps.

Source: SLSA provenance v1; BuildKit's definitions of its build type.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import msgspec

from jettison.attest.masking import Masker
from jettison.attest.materials import Material
from jettison.attest.request import ProvenanceRequest

PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md"
"""Says what the parameters mean: they are those that BuildKit is given for such a build."""
BUILDER = "pkg:pypi/jettison"
FRONTEND = "dockerfile.v0"

_ONLY_MAX = ("build-arg:", "label:")
"""What names of arguments begin with that ``min`` leaves out."""


class BuildFacts(msgspec.Struct, frozen=True):
    """What is known of a build; texts may hold secrets.

    Args:
        path: Of the Dockerfile.
        dockerfile: Its text.
        source: Repository or URL of the context; None for one of this host.
        materials: What it was made from, the source among them.
        complete: Whether those are all.
        args: As buildx gives them to the frontend: ``target``, ``build-arg:NAME``.
        secrets: Names, and whether each may be missing.
        ssh: Names of agents.
        locals: Names of contexts of this host.
        platform: Of the machine that built.
        steps: What was done, for people and programs; see ``steps``.
        hermetic: Whether no step had a network.
        invocation: Name of this build.
        started, finished: RFC 3339.
        version: Of Jettison.
    """

    path: str
    dockerfile: bytes
    source: Material | None
    materials: tuple[Material, ...]
    complete: bool
    args: Mapping[str, str]
    secrets: tuple[tuple[str, bool], ...]
    ssh: tuple[str, ...]
    locals: tuple[str, ...]
    platform: str
    steps: tuple[Mapping[str, Any], ...]
    hermetic: bool
    invocation: str
    started: str
    finished: str
    version: str


def provenance_predicate(
    facts: BuildFacts, wanted: ProvenanceRequest, masker: Masker
) -> dict[str, Any]:
    """Return the predicate, without secrets.

    Args:
        facts: Of the build.
        wanted: How much of them.
        masker: Knows the secrets.
    """
    whole = wanted.mode == "max"
    args = {
        name: value for name, value in facts.args.items() if whole or not name.startswith(_ONLY_MAX)
    }
    request: dict[str, Any] = {"frontend": FRONTEND, "args": args}
    if whole and facts.secrets:
        request["secrets"] = [
            {"id": name, **({"optional": True} if optional else {})}
            for name, optional in facts.secrets
        ]
    if whole and facts.ssh:
        request["ssh"] = [{"id": name} for name in facts.ssh]
    if facts.locals:
        request["locals"] = [{"name": name} for name in facts.locals]
    withheld = not whole and bool(len(args) < len(facts.args) or facts.secrets or facts.ssh)
    config: dict[str, Any] = {"path": facts.path}
    if facts.source is not None:
        config = {"uri": facts.source.uri, "digest": facts.source.digest, **config}
    internal: dict[str, Any] = {"builderPlatform": facts.platform}
    if whole:
        internal["buildConfig"] = {"steps": list(facts.steps)}
    predicate = {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {"configSource": config, "request": request},
            "internalParameters": internal,
            "resolvedDependencies": msgspec.to_builtins(facts.materials),
        },
        "runDetails": {
            "builder": {
                "id": wanted.builder_id or BUILDER,
                "version": {"jettison": facts.version},
            },
            "metadata": _metadata(facts, wanted, masker, complete=not withheld),
        },
    }
    masked: dict[str, Any] = masker.value(predicate)
    return masked


def _metadata(
    facts: BuildFacts, wanted: ProvenanceRequest, masker: Masker, *, complete: bool
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "invocationId": facts.invocation,
        "startedOn": facts.started,
        "finishedOn": facts.finished,
        "buildkit_completeness": {"request": complete, "resolvedDependencies": facts.complete},
        "buildkit_hermetic": facts.hermetic,
        "buildkit_reproducible": wanted.reproducible,
    }
    if wanted.mode == "max":
        text = masker.text(facts.dockerfile.decode(errors="replace"))
        source = {
            "filename": facts.path,
            "language": "Dockerfile",
            "data": base64.b64encode(text.encode()).decode(),
        }
        found["buildkit_metadata"] = {"source": {"infos": [source]}}
    return found
