"""What a command line of kaniko's means here.

In:  values of its flags by name, the environment.
Out: ``Job``: a build request, settings, what is written afterwards; a line for each flag that
     changes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import msgspec

from jettison.api.request import BuildRequest
from jettison.cli.kaniko.context import find
from jettison.cli.kaniko.table import FLAGS, wanted
from jettison.cli.values import build_arguments, pairs, parse_secret
from jettison.errors import UsageError
from jettison.exporter.outputs import (
    Annotation,
    DockerOutput,
    ImageOutput,
    LayerCompression,
    OciOutput,
    OutputRequest,
    RegistryOutput,
)
from jettison.oci.reference import parse_reference
from jettison.settings import Settings

_COMPRESSIONS: Mapping[str, LayerCompression] = {"": "gzip", "gzip": "gzip", "zstd": "zstd"}
_QUIET = frozenset({"error", "fatal", "panic"})
_LEVELS = _QUIET | {"", "trace", "debug", "info", "warn", "warning"}
_FORMS = {"": "auto", "text": "auto", "color": "auto", "json": "rawjson"}
_DOCKER_HUB = frozenset({"index.docker.io", "docker.io"})


class Job(msgspec.Struct, frozen=True):
    """A build, and what belongs to it.

    Args:
        request: It.
        settings: What holds for it.
        progress: As ``--progress``.
        digest_file, name_digest_file, name_tag_digest_file: Files for digests; empty for none.
    """

    request: BuildRequest
    settings: Settings
    progress: str
    digest_file: str = ""
    name_digest_file: str = ""
    name_tag_digest_file: str = ""


def notes(flags: Mapping[str, object]) -> list[str]:
    """Return a line for each flag that was given and changes nothing.

    Raises:
        UsageError: one was given that is refused.
    """
    lines = []
    for flag in FLAGS:
        if flag.status == "works" or not wanted(flag, flags.get(flag.parameter)):
            continue
        if flag.status == "refused":
            raise UsageError(f"--{flag.name} cannot be had here: {flag.about}", hint=flag.instead)
        lines.append(f"WARN: --{flag.name} changes nothing: {flag.about}")
    return lines


def job_of(flags: Mapping[str, object], environ: Mapping[str, str], settings: Settings) -> Job:
    """Return the build that kaniko's flags mean.

    Args:
        flags: Values by parameter name: text, a tuple of texts, or a bool.
        environ: For ``KANIKO_REGISTRY_MIRROR``, ``KANIKO_REGISTRY_MAP``, ``KANIKO_NO_PUSH``.
        settings: What holds without them.

    Raises:
        UsageError: a value is wrong, flags contradict each other, or no destination is given.
        InvalidReferenceError: a destination is no name.
        ContextError: a context cannot be read.
    """
    values = _Values(flags)
    destinations = values.many("destination")
    no_push = values.is_on("no_push") or _true(environ, "KANIKO_NO_PUSH")
    if not destinations and not no_push:
        raise UsageError("no destination is given", hint="add `--destination NAME` or `--no-push`")
    for each in destinations:
        parse_reference(each)
    files = [
        values.text(name)
        for name in (
            "digest_file",
            "image_name_with_digest_file",
            "image_name_tag_with_digest_file",
        )
    ]
    if any(files[1:]) and not destinations:
        raise UsageError("a file for names needs a name", hint="add `--destination NAME`")
    place = find(
        values.text("context"),
        values.text("context_sub_path"),
        values.many("git"),
        values.text("dockerfile"),
    )
    arguments = build_arguments(values.many("build_arg"))
    if values.is_on("reproducible"):
        arguments.setdefault("SOURCE_DATE_EPOCH", "0")
    platform = values.text("custom_platform") or values.text("customPlatform")
    request = BuildRequest(
        context=place.context,
        dockerfile=place.dockerfile,
        stdin=place.stdin,
        target=values.text("target"),
        tags=destinations,
        build_args=arguments,
        labels=pairs("--label", values.many("label"), need_value=False),
        secrets=tuple(parse_secret(each) for each in values.many("secret")),
        outputs=_outputs(values, push=not no_push, digest=any(files)),
        platforms=(platform,) if platform else (),
        no_cache=flags.get("cache") is False,
    )
    return Job(
        request,
        _settings(values, environ, settings, destinations),
        _progress(values),
        *files,
    )


def _outputs(values: _Values, *, push: bool, digest: bool) -> tuple[OutputRequest, ...]:
    compression = values.text("compression")
    if compression not in _COMPRESSIONS:
        raise UsageError(f"unknown compression `{compression}`", hint="use gzip or zstd")
    level = values.number("compression_level", least=-1)
    form = {
        "compression": _COMPRESSIONS[compression],
        "compression_level": None if level < 0 else level,
        "annotations": tuple(
            Annotation(key, value)
            for key, value in pairs("--annotation", values.many("annotation")).items()
        ),
    }
    found: list[OutputRequest] = [ImageOutput()]
    if layout := values.text("oci_layout_path"):
        found.append(OciOutput(dest=layout, tar=False))
    archive = values.text("tar_path") or values.text("tarPath")
    if archive:
        found.append(DockerOutput(dest=archive))
    elif push:
        insecure = values.is_on("insecure") or values.is_on("skip_tls_verify")
        found.append(RegistryOutput(insecure=insecure))
    elif digest and not layout:
        found.append(OciOutput(dest=os.devnull))  # nobody gets the image, but its digest is asked
    return tuple(msgspec.structs.replace(each, **form) for each in found)


def _settings(
    values: _Values, environ: Mapping[str, str], settings: Settings, destinations: tuple[str, ...]
) -> Settings:
    mirrors = [*values.many("registry_mirror"), environ.get("KANIKO_REGISTRY_MIRROR", "")]
    for text in (*values.many("registry_map"), environ.get("KANIKO_REGISTRY_MAP", "")):
        mirrors += [_mirror(each) for each in text.split(";") if each]
    insecure = {*values.many("insecure_registry"), *values.many("skip_tls_verify_registry")}
    registries = {parse_reference(each).registry for each in destinations}
    if values.is_on("insecure") or values.is_on("skip_tls_verify"):
        insecure |= registries
    if values.is_on("insecure_pull") or values.is_on("skip_tls_verify_pull"):
        insecure |= registries | {each.partition("/")[0] for each in mirrors if "://" not in each}
    return msgspec.structs.replace(
        settings,
        registry_mirrors=tuple(filter(None, (*mirrors, *settings.registry_mirrors))),
        insecure_registries=tuple(sorted({*settings.insecure_registries, *insecure} - {""})),
    )


def _mirror(text: str) -> str:
    origin, equals, mirror = text.partition("=")
    if not equals or not mirror:
        raise UsageError(f"--registry-map `{text}` is malformed", hint="write `REGISTRY=MIRROR`")
    return mirror if origin in _DOCKER_HUB else text


def _progress(values: _Values) -> str:
    level, form = values.text("verbosity").lower(), values.text("log_format").lower()
    if level not in _LEVELS:
        raise UsageError(f"unknown verbosity `{level}`", hint=f"use {', '.join(sorted(_LEVELS))}")
    if form not in _FORMS:
        raise UsageError(f"unknown log format `{form}`", hint="use text, color or json")
    return "quiet" if level in _QUIET else _FORMS[form]


def _true(environ: Mapping[str, str], name: str) -> bool:
    """Return a switch of the environment.

    Raises:
        UsageError: it is neither true nor false.
    """
    text = environ.get(name, "").lower()
    if text in {"", "0", "f", "false"}:
        return False
    if text in {"1", "t", "true"}:
        return True
    raise UsageError(f"`{name}={environ[name]}` is neither true nor false")


class _Values:
    """Values of flags, by what they must be."""

    def __init__(self, flags: Mapping[str, object]) -> None:
        self._flags = flags

    def text(self, name: str) -> str:
        value = self._flags.get(name)
        return value if isinstance(value, str) else ""

    def many(self, name: str) -> tuple[str, ...]:
        value = self._flags.get(name)
        return tuple(str(each) for each in value) if isinstance(value, tuple) else ()

    def is_on(self, name: str) -> bool:
        return self._flags.get(name) is True

    def number(self, name: str, *, least: int) -> int:
        text = self.text(name) or str(least)
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise UsageError(
                f"--{name.replace('_', '-')} `{text}` is not a number of {least} or more"
            )
        return number
