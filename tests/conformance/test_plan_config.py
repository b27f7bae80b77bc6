"""Config, history and errors of the build corpus, as far as they need no files."""

from __future__ import annotations

import json
import re
from datetime import datetime

import msgspec
import pytest

from conformance import box, corpora
from conformance.differences import DIFFERENCES, OWN_LINES, OWN_TEXTS, WITHOUT_ENTRY
from jettison.errors import FrontendError
from jettison.frontend.base import CompileRequest, ImageContext, LocalContext
from jettison.frontend.dockerfile.compile import compile as compile_dockerfile
from jettison.oci.config import ContainerConfig, History, ImageConfig, RootFS
from jettison.oci.digest import Digest, sha256_digest
from jettison.oci.platform import parse_platform
from jettison.plan.graph import Plan

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BASES = {
    box.NAME: ContainerConfig(env=tuple(box.CONFIG["Env"]), cmd=tuple(box.CONFIG["Cmd"])),
    "busybox": ContainerConfig(env=(PATH,), cmd=("sh",)),
    "alpine": ContainerConfig(env=(PATH,), cmd=("/bin/sh",), working_dir="/"),
    "debian:bookworm-slim": ContainerConfig(env=(PATH,), cmd=("bash",)),
    "python:3.11-slim": ContainerConfig(env=(PATH, "LANG=C.UTF-8"), cmd=("python3",)),
    "golang": ContainerConfig(env=(PATH, "GOPATH=/go"), cmd=("bash",), working_dir="/go"),
    "node:20": ContainerConfig(env=(PATH, "NODE_VERSION=20"), cmd=("node",)),
}


COMPILED_ONLY = (*corpora.own_cases("parser"), *corpora.own_cases("words"))
CASES = [case for case in (*corpora.build_cases(), *COMPILED_ONLY) if "expected" in case]
SUCCESSES = [case for case in CASES if not case["expected"].get("error")]
FAILURES = [
    case
    for case in CASES
    if case["expected"].get("error")
    and case.get("also_ok") != "success"
    and case["name"] not in DIFFERENCES
]


ADDRESS = "http://127.0.0.1:1"


def image_of(name, config, history=()):
    return ImageConfig(
        architecture="amd64",
        os="linux",
        rootfs=RootFS("layers", (sha256_digest(name.encode()),)),
        config=config,
        history=(History(created="2020-01-01T00:00:00Z", created_by=f"base {name}"), *history),
    )


def image_from(plan: Plan, name: str) -> ImageConfig:
    """Make the config that the plan's image would have, with invented layers."""
    entries = tuple(step.entry for step in plan.image.history)
    layers = [
        sha256_digest(f"{name} {n}".encode())
        for n, each in enumerate(entries)
        if not each.empty_layer
    ]
    return ImageConfig(
        architecture="amd64",
        os="linux",
        rootfs=RootFS("layers", tuple(Digest(each) for each in layers)),
        config=plan.image.config,
        history=entries,
        author=plan.image.author,
    )


def build(dockerfile: str, options: dict, images: dict[str, ImageConfig]) -> Plan:
    contexts = {
        name: ImageContext(value["image"]) if "image" in value else LocalContext()
        for name, value in options.get("build_contexts", {}).items()
    }
    known = {}
    request = CompileRequest(
        text=dockerfile.encode(),
        platform=parse_platform(options.get("platform", "linux/amd64")),
        build_platform=parse_platform("linux/amd64"),
        target=options.get("target", ""),
        build_args=options.get("build_args", {}),
        contexts=contexts,
        labels=options.get("labels", {}),
        no_cache=bool(options.get("no_cache")),
        allow=frozenset({"network.host", "security.insecure"}),
    )
    for _ in range(10):
        answer = compile_dockerfile(request, known)
        if isinstance(answer, Plan):
            return answer
        assert answer.requests
        for each in answer.requests:
            assert each not in known
            short = each.reference.removeprefix("docker.io/library/").removesuffix(":latest")
            if short not in images:
                raise LookupError(short)
            known[each] = images[short]
    raise AssertionError("compilation asks for images again and again")


def plan_of(case) -> Plan:
    images = {name: image_of(name, config) for name, config in BASES.items()}
    for before in case.get("prereq", []):
        plan = build(before["dockerfile"], {}, images)
        images[before["name"]] = image_from(plan, before["name"])
    dockerfile = case["dockerfile"].replace("@HTTP@", ADDRESS)
    return build(dockerfile, case.get("options", {}), images)


def wanted_config(expected) -> dict:
    base = BASES.get(expected["base"], ContainerConfig())
    inherited = _lists(msgspec.to_builtins(base))
    config = {
        key: inherited.get(key) if key in expected.get("inherited", []) else value
        for key, value in expected["config"].items()
    }
    own = [each for each in config.get("Env", []) if each not in expected.get("inherited_env", [])]
    env = {each.partition("=")[0]: each for each in inherited.get("Env", [])}
    env.update({each.partition("=")[0]: each for each in own})
    return {**config, "Env": list(env.values())}


def ids(cases):
    return [case["name"] for case in cases]


def as_of_1_29(entry):
    """Return a history entry as Dockerfile 1.29 writes it; the corpus is of an earlier one.

    Before, EXPOSE had brackets, which are no syntax of Dockerfiles.
    """
    text = re.sub(r"^EXPOSE \[(.*)\]$", r"EXPOSE \1", entry["created_by"])
    return {**entry, "created_by": text}


@pytest.mark.parametrize("case", SUCCESSES, ids=ids(SUCCESSES))
def test_a_plan_has_the_config_and_history_that_buildkit_writes(case):
    expected = case["expected"]
    plan = plan_of(case)
    expected = json.loads(json.dumps(expected).replace("@HTTP@", ADDRESS))
    config = {
        k: v for k, v in msgspec.to_builtins(plan.image.config).items() if v not in (None, {})
    }
    wanted = {k: v for k, v in wanted_config(expected).items() if v not in (None, {})}
    assert _lists(config) == wanted
    history = [
        {"created_by": step.entry.created_by, "empty_layer": step.entry.empty_layer}
        for step in plan.image.history
        if not step.entry.created_by.startswith("base ")
    ]
    if case["name"] in WITHOUT_ENTRY:
        assert len(history) < len(expected["history"])
        return
    assert history == [as_of_1_29(entry) for entry in expected["history"]]
    if "author" in expected:
        assert plan.image.author == expected["author"]
    for key in ("architecture", "os"):
        if key in expected:
            assert getattr(plan.image.platform, key) == expected[key]
    if "created" in expected:
        created = datetime.fromisoformat(expected["created"]).timestamp()
        assert plan.source_date_epoch == created
    own = plan.image.history[len(plan.image.history) - len(expected["history"]) :]
    if not case.get("prereq"):
        assert [step.vertex is None for step in own] == [step.entry.empty_layer for step in own]


@pytest.mark.parametrize("case", FAILURES, ids=ids(FAILURES))
def test_what_buildkit_refuses_in_the_text_is_refused_with_its_text(case):
    expected = case["expected"]
    message = expected["message"]
    error = refusal_of(case)
    if error is None:
        assert is_about_files_or_processes(case), message
    elif isinstance(error, LookupError):
        assert str(error) in message
    else:
        told = message.removeprefix(f"dockerfile parse error on line {expected.get('line')}: ")
        assert plain(error.message) == plain(OWN_TEXTS.get(case["name"], told))
        line = OWN_LINES.get(case["name"], expected.get("line"))
        assert "line" not in expected or (error.span and error.span.line == line)


def plain(text: str) -> str:
    return text.replace("`", "")


def refusal_of(case) -> FrontendError | LookupError | None:
    """Return why a case is not compiled: the frontend refuses it, or an image is unknown."""
    try:
        plan_of(case)
    except (FrontendError, LookupError) as error:
        return error
    return None


def is_about_files_or_processes(case) -> bool:
    """Tell whether an error can only be found when files are read or processes run."""
    message = case["expected"]["message"]
    return message.startswith(
        (
            "process ",
            "failed to compute cache key",
            "failed to load cache key",
            "digest mismatch",
            "cannot ",
            "invalid user index",
            "open ",
            "secret ",
            "illegal exclusion pattern",
            "syntax error in pattern",
            "lint violation",
            "mkdir ",
            "unset ssh ",
            "device feature ",
            "rpc error: ",
        )
    ) and not message.startswith("cannot copy from stage")


def _lists(value):
    if isinstance(value, dict):
        return {key: _lists(each) for key, each in value.items()}
    return list(value) if isinstance(value, tuple) else value
