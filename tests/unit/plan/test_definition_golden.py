"""Definition digests are fixed: when one changes, every cache of every user is void.

A change that is meant must raise ``DEFINITION_VERSION`` and put the new digests here.
"""

from __future__ import annotations

import pytest

from jettison.oci.digest import sha256_digest
from jettison.oci.platform import parse_platform
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
    Security,
    Sharing,
)
from jettison.plan.vertex import definition_digest, vertex

PLATFORM = parse_platform("linux/arm/v7")
BASE = vertex(
    ImageOp("docker.io/library/alpine:3", PLATFORM, (sha256_digest(b"layer"),)), name="base"
)
CONTEXT = vertex(LocalOp("context"), name="context")

GOLDEN = {
    "image": (BASE.op, None, ()),
    "local": (CONTEXT.op, None, ()),
    "http": (HttpOp("https://host/f", checksum="sha256:00", name="f"), None, ()),
    "git": (GitOp("https://host/r.git", ref="v1", subdir="d", keep_git_dir=True), None, ()),
    "mkdir": (MkdirOp("/w", owner="u"), BASE.digest, ()),
    "copy": (CopyOp((CopySource("a", 0),), "/d/"), BASE.digest, (CONTEXT.digest,)),
    "copy-all": (
        CopyOp(
            (CopySource("a", 0, unpack=False), CopySource(name="EOF", content=b"x")),
            "/d",
            owner="1:2",
            mode="u+x",
            exclude=("*.o",),
            parents=True,
            link=True,
            unpack=True,
            from_image=True,
        ),
        None,
        (BASE.digest,),
    ),
    "exec": (ExecOp(("/bin/sh", "-c", "true"), ("PATH=/bin",), "/"), BASE.digest, ()),
    "exec-all": (
        ExecOp(
            ("true",),
            ("A=1", "B=2"),
            "/w",
            user="u",
            network=Network.NONE,
            security=Security.INSECURE,
            mounts=(
                ExecMount(MountType.BIND, "/m", input=0, source="/s", readonly=True),
                ExecMount(MountType.CACHE, "/c", id="/c", sharing=Sharing.LOCKED, mode=0o700),
                ExecMount(MountType.SECRET, "", id="s", env="S", required=True),
                ExecMount(MountType.TMPFS, "/t", size_bytes=1),
                ExecMount(MountType.FILE, "/f", content=b"#!"),
            ),
            hostname="h",
            extra_hosts=("h:1.2.3.4",),
            ulimits=("nofile=1:2",),
            shm_bytes=3,
        ),
        BASE.digest,
        (CONTEXT.digest,),
    ),
}

DIGESTS = {
    "image": "daafbb16ad698ecdd8d473c23c4f6bb2ff1a01140dea57d94606fd8750e94623",
    "local": "81debb6db7f1de3ac4c05fde8ffd4ac34bbce7d05c5393c02d1cad6e8bc7ab0d",
    "http": "2027f8a182ee54af8df774432f46daafc78568a7ffa303ff8905071d09d35118",
    "git": "c9b2559b7260c9968e9dba7d7ca07927c2971784c40cf02f2855784a456e48e4",
    "mkdir": "4dde56aaf79fab4cc73d10dfa25cf6c3e025737cf44c4f3aaf6a5f37aafec2ed",
    "copy": "bd259e6bc111fd5e80ec2325b774e279d53061772affd934314b953680064c2b",
    "copy-all": "551980a84aed42ecdd4f677475767dcba430e426aa2919c04eb2d5cbb4580cb2",
    "exec": "9b0a39437641057d1cdc9d29a66fd3f2871bb86cebdbfe4b15f19b2aa3d05174",
    "exec-all": "a228a4d98f27b32b1d09c42e9fc9c9763a1f03c92f476fc0e0ec13bc588b39ae",
}


@pytest.mark.parametrize("name", GOLDEN)
def test_a_definition_keeps_its_digest(name):
    assert definition_digest(*GOLDEN[name]) == f"sha256:{DIGESTS[name]}"


def test_definitions_that_differ_have_other_digests():
    assert len(set(DIGESTS.values())) == len(GOLDEN) == len(DIGESTS)


def test_names_places_and_cache_flags_are_no_part_of_a_definition():
    named = vertex(CONTEXT.op, name="other", stage=3, ignore_cache=True)
    assert named.digest == CONTEXT.digest
