"""Facts of a build for its provenance.

In:  a solved build.
Out: the predicate.

Whatever the build knows to be secret is masked, as it is in messages and records.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from jettison import __version__
from jettison.api.compile import Compiled, this_platform
from jettison.api.known_secrets import known_secrets
from jettison.api.project import Built
from jettison.api.request import BuildRequest
from jettison.api.session import Session
from jettison.attest.masking import MASK, Masker
from jettison.attest.materials import (
    ImageDigest,
    Material,
    materials,
    reads_this_host,
    source_material,
)
from jettison.attest.request import ProvenanceRequest
from jettison.attest.slsa import BuildFacts, provenance_predicate
from jettison.attest.steps import steps_of
from jettison.frontend.dockerfile.scope import PROXY_NAMES
from jettison.oci.digest import Digest
from jettison.oci.platform import Platform
from jettison.oci.redact import redacted
from jettison.plan.graph import Plan
from jettison.plan.op import ExecMount, ExecOp, LocalOp, MountType, Network, Op
from jettison.plan.vertex import Vertex
from jettison.solver.result import Solution, StackResult
from jettison.source.location import locate
from jettison.store.image import StoredImage


def build_provenance(
    session: Session, built: Built, found: Mapping[Op, str], image: StoredImage, *, began: float
) -> dict[str, Any]:
    """Return the provenance of a build, without secrets.

    Args:
        session: That built.
        built: What it did.
        found: Digests of downloads and checkouts, by op.
        image: What was made.
        began: When it began, in seconds since the epoch.

    Raises:
        UsageError: a secret cannot be read any more, so that it could not be masked.
    """
    request, compiled, plan = built.request, built.compiled, built.compiled.plan
    wanted = request.attest.provenance or ProvenanceRequest()
    source = _source(built)
    made = materials(plan, found, _image_digests(session, request))
    if source is not None and source not in made:
        made = (source, *made)
    complete = not (source is None and reads_this_host(plan))
    facts = BuildFacts(
        path=redacted(compiled.asked.filename),
        dockerfile=compiled.asked.text,
        source=source,
        materials=made,
        complete=complete,
        args=_arguments(compiled, request),
        secrets=_secrets(plan),
        ssh=tuple(dict.fromkeys(each.id or "default" for each in _mounts(plan, MountType.SSH))),
        locals=_locals(plan, of_host=source is None),
        platform=str(this_platform()),
        steps=steps_of(plan, _layers(built.solution, image)) if wanted.mode == "max" else (),
        hermetic=complete and not any(map(_has_network, plan.vertices)),
        invocation=uuid.uuid4().hex,
        started=_rfc3339(began),
        finished=_rfc3339(time.time()),
        version=__version__,
    )
    return provenance_predicate(
        facts, wanted, Masker(known_secrets(session, request, plan).texts())
    )


def _source(built: Built) -> Material | None:
    location = locate(built.request.context)
    if location.kind == "local":
        return None
    return source_material(location.text, built.context.revision)


def _image_digests(session: Session, request: BuildRequest) -> ImageDigest:
    resolver = session.resolver(offline=request.offline)

    def digest_of(reference: str, platform: Platform) -> tuple[Digest, bool]:
        image = resolver.resolve(reference, platform, pull=request.pull).image
        if image.manifest is None:
            return image.id, False
        return image.manifest.digest, True

    return digest_of


def _arguments(compiled: Compiled, request: BuildRequest) -> dict[str, str]:
    """Return arguments under the names that buildx gives them."""
    from jettison.analysis.secrets.names import is_secret_name

    asked = compiled.asked
    args: dict[str, str] = {}
    if asked.target:
        args["target"] = asked.target
    if request.platforms:
        args["platform"] = ",".join(request.platforms)
    for name, value in sorted(asked.build_args.items()):
        if name.lower() in PROXY_NAMES:
            continue
        args[f"build-arg:{name}"] = MASK if is_secret_name(name) and value else value or ""
    args |= {f"label:{name}": value for name, value in sorted(asked.labels.items())}
    args |= {f"context:{name}": text for name, text in sorted(request.contexts.items())}
    if asked.no_cache or asked.no_cache_stages:
        args["no-cache"] = "" if asked.no_cache else ",".join(asked.no_cache_stages)
    if asked.network is not Network.DEFAULT:
        args["force-network-mode"] = asked.network.value
    if asked.extra_hosts:
        args["add-hosts"] = ",".join(asked.extra_hosts)
    return args


def _mounts(plan: Plan, kind: MountType) -> list[ExecMount]:
    return [
        mount
        for vertex in plan.vertices
        if isinstance(vertex.op, ExecOp)
        for mount in vertex.op.mounts
        if mount.type is kind
    ]


def _secrets(plan: Plan) -> tuple[tuple[str, bool], ...]:
    """Return the names of secrets that steps use, and whether each may be missing."""
    found: dict[str, bool] = {}
    for mount in _mounts(plan, MountType.SECRET):
        found[mount.id] = found.get(mount.id, True) and not mount.required
    return tuple(found.items())


def _locals(plan: Plan, *, of_host: bool) -> tuple[str, ...]:
    names = [vertex.op.context for vertex in plan.vertices if isinstance(vertex.op, LocalOp)]
    if not of_host:
        return tuple(dict.fromkeys(each for each in names if each != "context"))
    return tuple(dict.fromkeys((*names, "dockerfile")))


def _has_network(vertex: Vertex) -> bool:
    return isinstance(vertex.op, ExecOp) and vertex.op.network is not Network.NONE


def _layers(solution: Solution, image: StoredImage) -> dict[Digest, str]:
    """Return the diff IDs of the image's layers by the vertices that made them."""
    known = {each.layer: each.diff_id for each in image.layers}
    return {
        vertex: known[result.layer]
        for vertex, result in solution.results.items()
        if isinstance(result, StackResult) and result.layer in known and result.layer is not None
    }


def _rfc3339(seconds: float) -> str:
    return (
        datetime.fromtimestamp(seconds, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )
