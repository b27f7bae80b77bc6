"""What builds were made from, by digest."""

from __future__ import annotations

from jettison.attest.materials import Material, materials, reads_this_host
from jettison.attest.steps import steps_of
from jettison.oci.config import ContainerConfig
from jettison.oci.digest import Digest, sha256_digest
from jettison.oci.platform import Platform
from jettison.plan.graph import ImageTemplate, Plan
from jettison.plan.op import (
    CopyOp,
    CopySource,
    ExecMount,
    ExecOp,
    GitOp,
    HttpOp,
    ImageOp,
    LocalOp,
    MkdirOp,
    MountType,
    Network,
)
from jettison.plan.vertex import Vertex, vertex

AMD64 = Platform("amd64", "linux")
DIGEST = sha256_digest(b"manifest")
HEX = DIGEST.partition(":")[2]


def plan(*vertices: Vertex) -> Plan:
    template = ImageTemplate(AMD64, ContainerConfig(), ())
    return Plan(tuple(vertices), vertices[-1].digest, template)


def found(reference: str, platform: Platform) -> tuple[Digest, bool]:
    return DIGEST, "local" not in reference


def test_each_is_there_once_by_digest_and_without_credentials() -> None:
    git = GitOp("https://me:secret@host/a.git", "main")
    http = HttpOp("https://host/x.tgz")
    with_checksum = HttpOp("https://host/y.tgz", "sha256:" + "2" * 64)
    image = ImageOp("docker.io/library/alpine:3.20", AMD64, ())
    made = materials(
        plan(
            vertex(image, name="base"),
            vertex(git, name="git"),
            vertex(http, name="http"),
            vertex(with_checksum, name="http"),
            vertex(ImageOp("docker.io/library/local:1", AMD64, (DIGEST,)), name="local"),
            vertex(ImageOp("docker.io/library/alpine:3.20", AMD64, (DIGEST,)), name="again"),
        ),
        {git: "sha1:" + "a" * 40, http: "sha256:" + "1" * 64},
        found,
    )
    assert made == (
        Material("pkg:docker/alpine@3.20?platform=linux%2Famd64", {"sha256": HEX}),
        Material("https://xxxxx:xxxxx@host/a.git#main", {"sha1": "a" * 40}),
        Material("https://host/x.tgz", {"sha256": "1" * 64}),
        Material("https://host/y.tgz", {"sha256": "2" * 64}),
        Material(
            "pkg:docker/local@1?platform=linux%2Famd64", {"sha256": HEX}, {"digestOf": "config"}
        ),
    )


def test_a_directory_of_this_host_is_none() -> None:
    local = plan(vertex(LocalOp("context"), name="context"))
    assert materials(local, {}, found) == ()
    assert reads_this_host(local)


def test_steps_say_what_they_do_and_what_they_need() -> None:
    base = vertex(ImageOp("docker.io/library/alpine:3.20", AMD64, ()), name="base")
    context = vertex(LocalOp("context"), name="context")
    run = vertex(
        ExecOp(
            ("/bin/sh", "-c", "make"),
            ("A=b",),
            "/src",
            network=Network.NONE,
            mounts=(
                ExecMount(MountType.SECRET, "/run/secrets/t", id="t"),
                ExecMount(MountType.FILE, "/x", content=b"script"),
            ),
        ),
        name="[1/2] RUN make",
        base=base,
    )
    copy = vertex(
        CopyOp((CopySource("a", 0), CopySource(name="b", content=b"x")), "/dest", owner="1:1"),
        name="copy",
        base=run,
        inputs=(context,),
    )
    made = vertex(MkdirOp("/w"), name="mkdir", base=copy)
    steps = steps_of(plan(base, context, run, copy, made), {run.digest: DIGEST})
    assert steps[2] == {
        "id": "step2",
        "name": "[1/2] RUN make",
        "op": {
            "exec": {
                "args": ["/bin/sh", "-c", "make"],
                "env": ["A=b"],
                "cwd": "/src",
                "network": "none",
                "mounts": [{"type": "secret", "target": "/run/secrets/t", "id": "t"}],
            }
        },
        "inputs": ["step0"],
        "layer": DIGEST,
    }
    assert steps[3]["inputs"] == ["step2", "step1"]
    assert steps[3]["op"] == {"copy": {"sources": ["a", "b"], "dest": "/dest", "owner": "1:1"}}
    assert steps[4]["op"] == {"mkdir": {"path": "/w"}}
