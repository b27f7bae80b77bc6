"""Keyword arguments of ``jettison.build`` and ``jettison.run``: fields of their requests.

In:  what a caller writes; lists do where a request has tuples.
Out: a ``BuildRequest`` or a ``RunRequest``.

What holds for a whole session (sandbox, certificates, jobs) is no option: it is in ``Settings``.
A test compares the names and types with those of the requests.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypedDict, TypeVar

import msgspec

from jettison.api.request import BuildRequest, SecretRequest
from jettison.attest.request import AttestRequest, KeylessRequest
from jettison.container.request import RunRequest
from jettison.errors import UsageError
from jettison.exporter.outputs import OutputRequest
from jettison.linux.resources import Resources
from jettison.remote.options import CacheExport, CacheImport
from jettison.spelling import near_misses

Request = TypeVar("Request", BuildRequest, RunRequest)


class BuildOptions(TypedDict, total=False):
    """Options of a build beside its context; see ``BuildRequest``."""

    dockerfile: str | os.PathLike[str]
    target: str
    tags: Sequence[str]
    build_args: Mapping[str, str]
    labels: Mapping[str, str]
    contexts: Mapping[str, str]
    outputs: Sequence[OutputRequest]
    platforms: Sequence[str]
    no_cache: bool
    no_cache_stages: Sequence[str]
    pull: bool
    push: bool
    network: str
    extra_hosts: Sequence[str]
    secrets: Sequence[SecretRequest]
    secrets_in_layers: bool
    ssh: Sequence[str]
    allow: Iterable[str]
    ulimits: Sequence[str]
    shm_bytes: int
    resources: Resources
    security_opts: Sequence[str]
    step_timeout_seconds: float
    step_log_bytes: int
    offline: bool
    report: str
    counterfactual: str
    gates: Mapping[str, str]
    baseline: str
    attach_report: bool
    explain: bool
    trace_inputs: bool
    checks: str
    probe: str
    reproducible: bool
    verify_reproducible: bool
    squash: bool
    part_of: str
    parts: Sequence[str]
    attest: AttestRequest
    sign: str | KeylessRequest
    cache_from: Sequence[CacheImport]
    cache_to: Sequence[CacheExport]


class RunOptions(TypedDict, total=False):
    """Options of a container beside its image and command; see ``RunRequest``."""

    name: str
    env: Sequence[str]
    volumes: Sequence[str]
    publish: Sequence[str]
    entrypoint: str | None
    user: str
    workdir: str
    network: str
    hostname: str
    pull: str
    interactive: bool
    terminal: bool
    readonly: bool
    init: bool
    privileged: bool
    extra_hosts: Sequence[str]
    tmpfs: Sequence[str]
    mounts: Sequence[Mapping[str, str]]
    platform: str
    memory_bytes: int
    cpus: float
    pids: int
    shm_bytes: int
    ulimits: Sequence[str]
    security_opts: Sequence[str]
    cap_add: Sequence[str]
    cap_drop: Sequence[str]
    labels: Sequence[str]
    dns: Sequence[str]
    dns_search: Sequence[str]
    dns_options: Sequence[str]
    groups: Sequence[str]
    publish_all: bool
    sysctls: Sequence[str]
    devices: Sequence[str]
    gpus: str
    stop_signal: str
    stop_seconds: int | None


def build_request(
    context: str | os.PathLike[str] | BuildRequest | None,
    dockerfile_text: str | None,
    options: Mapping[str, Any],
) -> BuildRequest:
    """Return the request that the arguments of ``build`` mean.

    Raises:
        UsageError: an option is unknown or of a wrong type, or two contradict each other.
    """
    known = BuildOptions.__annotations__
    if isinstance(context, BuildRequest):
        if dockerfile_text is not None:
            raise UsageError("a request has its Dockerfile already", hint="set its `stdin`")
        return _changed(context, options, known)
    if dockerfile_text is None:
        return _made(BuildRequest, {"context": context or "."}, options, known)
    if "dockerfile" in options:
        raise UsageError(
            "`dockerfile` and `dockerfile_text` cannot be given together",
            hint="`dockerfile` is a path; leave one of them out",
        )
    fields: dict[str, Any] = {"context": "-", "stdin": dockerfile_text.encode()}
    if context is not None:
        fields |= {"context": context, "dockerfile": "-"}
    return _made(BuildRequest, fields, options, known)


def run_request(
    image: str | RunRequest, command: Sequence[str], options: Mapping[str, Any]
) -> RunRequest:
    """Return the request that the arguments of ``run`` mean.

    Raises:
        UsageError: an option is unknown or of a wrong type.
    """
    known = RunOptions.__annotations__
    if isinstance(command, str):
        raise UsageError("`command` must be a list", hint='write `["echo", "hello"]`')
    argv = [os.fspath(each) for each in command]
    if isinstance(image, RunRequest):
        request = _changed(image, options, known)
        return msgspec.structs.replace(request, argv=tuple(argv)) if argv else request
    return _made(RunRequest, {"image": image, "argv": argv}, options, known)


def _made(
    kind: type[Request],
    fields: Mapping[str, Any],
    options: Mapping[str, Any],
    known: Mapping[str, object],
) -> Request:
    for name in options:
        if name not in known:
            near = near_misses(name, known)
            raise UsageError(
                f"there is no option `{name}`", hint=f"did you mean `{near[0]}`?" if near else None
            )
    values = {name: _plain(value) for name, value in {**fields, **options}.items()}
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise _wrong(str(error)) from error


def _wrong(message: str) -> UsageError:
    """Return the error for what msgspec says: ``Expected `array`, got `str` - at `$.tags```."""
    what, _, place = message.partition(" - at `$.")
    name = place.rstrip("`")
    text = f"option `{name}`: {what[:1].lower()}{what[1:]}" if name else f"wrong option: {what}"
    hint = f'give a list: `{name}=["…"]`' if what.startswith("Expected `array`") else None
    return UsageError(text, hint=hint)


def _changed(request: Request, options: Mapping[str, Any], known: Mapping[str, object]) -> Request:
    if not options:
        return request
    return _made(type(request), msgspec.structs.asdict(request), options, {**known})


def _plain(value: object) -> object:
    return os.fspath(value) if isinstance(value, os.PathLike) else value
