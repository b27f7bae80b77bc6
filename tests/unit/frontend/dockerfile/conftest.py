"""What tests of lowering share: compile text, with invented images."""

from __future__ import annotations

import pytest

from jettison.frontend.base import CompileRequest
from jettison.frontend.dockerfile.compile import compile as compile_dockerfile
from jettison.oci.config import ContainerConfig, ImageConfig, RootFS
from jettison.oci.digest import sha256_digest
from jettison.oci.platform import parse_platform
from jettison.plan.graph import Plan

AMD64 = parse_platform("linux/amd64")


def invented_image(reference, config=None, *, layers=1, **fields):
    diff_ids = tuple(sha256_digest(f"{reference} {n}".encode()) for n in range(layers))
    return ImageConfig(
        architecture=fields.pop("architecture", "amd64"),
        os="linux",
        rootfs=RootFS("layers", diff_ids),
        config=config or ContainerConfig(),
        **fields,
    )


@pytest.fixture
def plan_for():
    """Compile text; ``images`` are configs by short reference, other images are invented.

    The requests that were made are in the ``asked`` list of the function.
    """

    def compiled(text: str, *, images=None, **fields) -> Plan:
        compiled.asked = []
        request = CompileRequest(
            text=text.encode(),
            platform=fields.pop("platform", AMD64),
            build_platform=fields.pop("build_platform", AMD64),
            **fields,
        )
        known = {}
        while not isinstance(answer := compile_dockerfile(request, known), Plan):
            compiled.asked.append(answer.requests)
            for each in answer.requests:
                short = each.reference.removeprefix("docker.io/library/").removesuffix(":latest")
                known[each] = (images or {}).get(short) or invented_image(each.reference)
        return answer

    compiled.image = invented_image
    return compiled
