"""Provenance of builds as SLSA v1 has it, in buildx's shape."""

from __future__ import annotations

import base64
import json

import msgspec

from jettison.attest.masking import Masker
from jettison.attest.materials import Material
from jettison.attest.request import ProvenanceRequest
from jettison.attest.slsa import BUILDER, BuildFacts, provenance_predicate
from unit.attest.attestation_schema import PROVENANCE, check

SECRET = "s3cr3t-w0rd"
SOURCE = Material("https://host/a.git#main", {"sha1": "0" * 40})
BASE = Material("pkg:docker/alpine@3.20?platform=linux%2Famd64", {"sha256": "1" * 64})
FACTS = BuildFacts(
    path="Dockerfile",
    dockerfile=f"FROM alpine:3.20\nRUN echo {SECRET}\n".encode(),
    source=None,
    materials=(BASE,),
    complete=False,
    args={"target": "app", "build-arg:A": f"x{SECRET}y", "label:l": "v"},
    secrets=(("token", True),),
    ssh=("default",),
    locals=("context", "dockerfile"),
    platform="linux/amd64",
    steps=({"id": "step0", "op": {"exec": {"args": ["/bin/sh", "-c", f"echo {SECRET}"]}}},),
    hermetic=False,
    invocation="abc",
    started="2026-01-02T03:04:05.678Z",
    finished="2026-01-02T03:04:06Z",
    version="1.0",
)
MASKER = Masker([SECRET])


def test_the_least_says_from_what_by_whom_and_when_and_no_arguments() -> None:
    made = provenance_predicate(FACTS, ProvenanceRequest(), MASKER)
    check(PROVENANCE, made)
    definition, run = made["buildDefinition"], made["runDetails"]
    assert definition["externalParameters"] == {
        "configSource": {"path": "Dockerfile"},
        "request": {
            "frontend": "dockerfile.v0",
            "args": {"target": "app"},
            "locals": [{"name": "context"}, {"name": "dockerfile"}],
        },
    }
    assert definition["internalParameters"] == {"builderPlatform": "linux/amd64"}
    assert definition["resolvedDependencies"] == [{"uri": BASE.uri, "digest": BASE.digest}]
    assert run["builder"] == {"id": BUILDER, "version": {"jettison": "1.0"}}
    completeness = {"request": False, "resolvedDependencies": False}
    assert run["metadata"]["buildkit_completeness"] == completeness
    assert "buildkit_metadata" not in run["metadata"]


def test_the_most_has_arguments_the_dockerfile_and_the_steps_without_the_secret() -> None:
    wanted = ProvenanceRequest(mode="max", builder_id="https://ci/1", reproducible=True)
    made = provenance_predicate(FACTS, wanted, MASKER)
    check(PROVENANCE, made)
    request = made["buildDefinition"]["externalParameters"]["request"]
    assert request["args"] == {"target": "app", "build-arg:A": "xxxxxxy", "label:l": "v"}
    assert request["secrets"] == [{"id": "token", "optional": True}]
    assert request["ssh"] == [{"id": "default"}]
    steps = made["buildDefinition"]["internalParameters"]["buildConfig"]["steps"]
    assert steps[0]["op"]["exec"]["args"][-1] == "echo xxxxx"
    metadata = made["runDetails"]["metadata"]
    assert metadata["buildkit_completeness"]["request"] is True
    assert metadata["buildkit_reproducible"] is True
    assert made["runDetails"]["builder"]["id"] == "https://ci/1"
    source = metadata["buildkit_metadata"]["source"]["infos"][0]
    assert base64.b64decode(source["data"]) == b"FROM alpine:3.20\nRUN echo xxxxx\n"
    assert SECRET not in json.dumps(made)


def test_a_build_that_withholds_nothing_says_so() -> None:
    facts = msgspec.structs.replace(FACTS, args={}, secrets=(), ssh=(), complete=True)
    made = provenance_predicate(facts, ProvenanceRequest(), MASKER)
    found = made["runDetails"]["metadata"]["buildkit_completeness"]
    assert found == {"request": True, "resolvedDependencies": True}


def test_a_remote_context_is_where_the_dockerfile_came_from() -> None:
    facts = msgspec.structs.replace(FACTS, source=SOURCE, locals=(), materials=(SOURCE, BASE))
    made = provenance_predicate(facts, ProvenanceRequest(), MASKER)
    check(PROVENANCE, made)
    parameters = made["buildDefinition"]["externalParameters"]
    assert parameters["configSource"] == {
        "uri": SOURCE.uri,
        "digest": SOURCE.digest,
        "path": "Dockerfile",
    }
    assert "locals" not in parameters["request"]
