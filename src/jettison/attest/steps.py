"""The steps of a plan as provenance in mode ``max`` lists them.

In:  a plan, diff IDs of layers that its vertices made.
Out: a mapping for each vertex: what it does, what it needs.

Values of secrets are in no plan; texts that may hold one by mistake are masked by who writes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jettison.oci.digest import Digest
from jettison.plan.graph import Plan
from jettison.plan.op import (
    CopyOp,
    ExecMount,
    ExecOp,
    GitOp,
    HttpOp,
    ImageOp,
    LocalOp,
    MkdirOp,
    MountType,
    Network,
    Op,
    Security,
)


def steps_of(plan: Plan, layers: Mapping[Digest, str]) -> tuple[dict[str, Any], ...]:
    """Return the steps in the order of the plan.

    Args:
        plan: It.
        layers: Diff IDs by vertex, where one is known.
    """
    numbers = {vertex.digest: number for number, vertex in enumerate(plan.vertices)}
    found = []
    for number, vertex in enumerate(plan.vertices):
        step: dict[str, Any] = {"id": f"step{number}", "name": vertex.name, "op": _op(vertex.op)}
        if vertex.needs:
            step["inputs"] = [f"step{numbers[each]}" for each in vertex.needs]
        if vertex.digest in layers:
            step["layer"] = layers[vertex.digest]
        if vertex.span is not None and vertex.span.line:
            step["line"] = vertex.span.line
        found.append(step)
    return tuple(found)


def _op(op: Op) -> dict[str, Any]:
    match op:
        case ExecOp():
            return {"exec": _exec(op)}
        case CopyOp():
            return {"copy": _copy(op)}
        case MkdirOp(path=path):
            return {"mkdir": {"path": path}}
        case ImageOp(reference=reference, platform=platform):
            return {"source": {"image": reference, "platform": str(platform)}}
        case LocalOp(context=context):
            return {"source": {"local": context}}
        case HttpOp(url=url, checksum=checksum):
            return {"source": _present({"http": url, "checksum": checksum})}
        case GitOp(remote=remote, ref=ref, subdir=subdir, checksum=checksum):
            return {
                "source": _present(
                    {"git": remote, "ref": ref, "subdir": subdir, "checksum": checksum}
                )
            }


def _exec(op: ExecOp) -> dict[str, Any]:
    return _present(
        {
            "args": list(op.argv),
            "env": list(op.env),
            "cwd": op.cwd,
            "user": op.user,
            "network": "" if op.network is Network.DEFAULT else op.network.value,
            "security": "" if op.security is Security.SANDBOX else op.security.value,
            "mounts": [_mount(each) for each in op.mounts if each.type is not MountType.FILE],
        }
    )


def _mount(mount: ExecMount) -> dict[str, Any]:
    return _present({"type": mount.type.value, "target": mount.target, "id": mount.id})


def _copy(op: CopyOp) -> dict[str, Any]:
    return _present(
        {
            "sources": [each.path or each.name for each in op.sources],
            "dest": op.dest,
            "owner": op.owner,
            "mode": op.mode,
        }
    )


def _present(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value}
