"""``-o``/``--output``: ``type=oci,dest=FILE,compression=zstd``.

In:  text as written on a command line.
Out: one of the outputs of ``exporter.outputs``; an error for whatever is unknown.

Source: BuildKit's exporter attributes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast, get_args

import msgspec

from jettison.cli.notices import notice
from jettison.cli.values import fields
from jettison.errors import UsageError
from jettison.exporter.outputs import (
    TYPES,
    Annotation,
    AnnotationPlace,
    CacheOnlyOutput,
    DockerOutput,
    EngineOutput,
    ImageForm,
    ImageOutput,
    LocalOutput,
    OciOutput,
    OutputRequest,
    RegistryOutput,
    TarOutput,
)
from jettison.spelling import truth

Output = TypeVar("Output", bound=OutputRequest)

_ANNOTATION = re.compile(
    r"annotation(?:-(manifest|index|manifest-descriptor|index-descriptor))?(?:\[([^\]]+)\])?\.(.+)"
)


_TYPE = re.compile(r"(manifest|index|manifest-descriptor|index-descriptor)(?:\[([^\]]+)\])?")


def parse_output(text: str) -> OutputRequest:
    """Return an output; a bare path is a directory, ``-`` a tar on standard output.

    Raises:
        UsageError: the type or an attribute is unknown or wrong.
        InvalidReferenceError: a name is none.
    """
    if text == "-":
        return TarOutput("-")
    if "=" not in text:
        return LocalOutput(text)
    attributes = fields("--output", text)
    if not attributes.get("type"):
        raise UsageError(f"--output `{text}` has no type", hint="write type=oci,dest=FILE")
    return output_of(attributes)


def output_of(attributes: Mapping[str, str]) -> OutputRequest:
    """Return the output of attributes as written, ``type`` and ``dest`` among them.

    Raises:
        UsageError: the type or an attribute is unknown or wrong.
        InvalidReferenceError: a name is none.
    """
    left = dict(attributes)
    kind = left.pop("type")
    dest = left.pop("dest", "")
    if kind == "docker" and not dest:
        kind = "engine"  # docker's form without a file is loaded
        left.setdefault("engine", "docker")
        left.setdefault("optional", "true" if not left.get("context") else "false")
    if kind == "cacheonly":
        return CacheOnlyOutput()
    taken = _Attributes(kind, left)
    _take_meaningless(kind, taken)
    if kind == "image":
        form, push = {**_image(taken), **_registry(taken)}, taken.flag("push")
        if form["name_canonical"] and not push:
            notice("`name-canonical` changes nothing without `push=true`: there is no manifest")
        if form["dangling_name_prefix"] and not push:
            notice(
                "`dangling-name-prefix` changes nothing without `push=true`: an image has its ID"
            )
        kept = {"store": taken.flag("store", default=True), "unpack": taken.flag("unpack")}
        return taken.finish(ImageOutput, **form, push=push, **kept)
    if kind == "registry":
        form = {**_image(taken), **_registry(taken)}
        taken.flag("push")  # it does
        return taken.finish(RegistryOutput, **form)
    if kind == "engine":
        where = {"engine": taken.text("engine"), "context": taken.text("context")}
        optional = taken.flag("optional")
        return taken.finish(EngineOutput, **_image(taken), **where, optional=optional)
    if kind in {"oci", "docker"}:
        archive = OciOutput if kind == "oci" else DockerOutput
        return taken.finish(
            archive, dest=dest, **_image(taken), tar=taken.flag("tar", default=True)
        )
    if kind == "tar":
        return taken.finish(TarOutput, dest=dest, **_rootfs(taken))
    if kind == "local":
        preserve = taken.text("preserve").replace("+", ",").split(",")
        names = frozenset(preserve) - {""}
        mode = taken.text("mode", "copy")
        return taken.finish(LocalOutput, dest=dest, **_rootfs(taken), preserve=names, mode=mode)
    raise UsageError(f"unknown output type `{kind}`", hint=f"use one of {', '.join(TYPES)}")


def loaded(outputs: tuple[OutputRequest, ...], load: str) -> tuple[OutputRequest, ...]:
    """Return outputs of which one is the engine of ``--load``.

    Args:
        outputs: As given.
        load: ``docker``, ``podman`` or an address; true is the one that the user named elsewhere.
    """
    wanted = truth(load)
    if not load or wanted is False:
        return outputs
    if wanted is None:
        return (*outputs, EngineOutput(engine=load))
    if any(isinstance(each, EngineOutput) for each in outputs):
        return outputs
    return (*outputs, EngineOutput(optional=True))


def annotated(
    outputs: tuple[OutputRequest, ...], given: tuple[str, ...], *, push: bool
) -> tuple[OutputRequest, ...]:
    """Return outputs whose images have the annotations of ``--annotation``, too.

    Args:
        outputs: As given; none is the local store.
        given: ``[TYPE[,TYPE]:]NAME=VALUE``, where a type is ``manifest[linux/amd64]`` and the like.
        push: The image is pushed.

    Raises:
        UsageError: one is malformed, or no output keeps annotations.
    """
    found = [each for text in given for each in parse_annotation(text)]
    if push and not any(isinstance(each, RegistryOutput | ImageOutput) for each in outputs):
        outputs = (*outputs, RegistryOutput())
    if not push and not any(map(_writes_manifest, outputs)):
        raise UsageError(
            "annotations are of manifests, and this build writes none",
            hint="use --push or --output type=oci,dest=FILE",
        )
    return tuple(
        msgspec.structs.replace(each, annotations=(*each.annotations, *found))
        if isinstance(each, ImageForm) and (push or _writes_manifest(each))
        else each
        for each in outputs
    )


def _writes_manifest(output: OutputRequest) -> bool:
    if isinstance(output, ImageOutput):
        return output.push
    return isinstance(output, ImageForm)


def parse_annotation(text: str) -> list[Annotation]:
    """Return an annotation as ``--annotation`` has it, once for each place that it names.

    Raises:
        UsageError: it is malformed, or there is no such place.
    """
    name, equals, value = text.partition("=")
    types, colon, key = name.rpartition(":")
    if not equals or not key:
        raise UsageError(f"--annotation `{text}` is malformed", hint="write [TYPE:]NAME=VALUE")
    found = []
    for each in types.split(",") if colon else ["manifest"]:
        match = _TYPE.fullmatch(each)
        if match is None:
            raise UsageError(
                f"--annotation `{text}`: unknown type `{each}`",
                hint=f"use {', '.join(get_args(AnnotationPlace))}, or `manifest[linux/amd64]`",
            )
        found.append(Annotation(key, value, cast("AnnotationPlace", match[1]), match[2] or ""))
    return found


def _image(taken: _Attributes) -> dict[str, Any]:
    names = (name.strip() for name in taken.text("name").split(","))
    compression = taken.text("compression", "gzip")
    return {
        "names": tuple(name for name in names if name),
        "compression": "uncompressed" if compression == "none" else compression,
        "compression_level": taken.number("compression-level"),
        "force_compression": taken.flag("force-compression"),
        "oci_mediatypes": taken.maybe_flag("oci-mediatypes"),
        "annotations": taken.annotations(),
        "rewrite_timestamp": taken.maybe_flag("rewrite-timestamp"),
        "attestation_inline": taken.maybe_flag("attestation-inline"),
        "source_date_epoch": taken.number("source-date-epoch"),
    }


def _registry(taken: _Attributes) -> dict[str, Any]:
    prefix = taken.text("dangling-name-prefix")
    taken.flag("danging-name-empty-only")  # so spelt; an image with names gets no other here
    return {
        "insecure": taken.flag("registry.insecure"),
        "push_by_digest": taken.flag("push-by-digest"),
        "name_canonical": taken.flag("name-canonical"),
        "dangling_name_prefix": prefix,
    }


_IMAGES = frozenset({"image", "registry", "oci", "docker", "engine"})

_MEANINGLESS = {
    "oci-artifact": (_IMAGES, "it is a form of attestations"),
    "prefer-nondist-layers": (_IMAGES, "layers keep the kind that they came with"),
    "name-canonical": (
        frozenset({"oci", "docker", "engine"}),
        "names with digests are those of registries",
    ),
    "push-by-digest": (frozenset({"oci", "docker", "engine"}), "nothing is pushed"),
    "unpack": (
        frozenset({"registry", "oci", "docker", "engine"}),
        "an image of the store is unpacked",
    ),
    "store": (
        frozenset({"oci", "docker", "engine"}),
        "an image of the store is one of `type=image`",
    ),
    "context": (frozenset({"docker"}), "an archive goes to no engine"),
}
"""Attributes that BuildKit knows: for which types they are, and why nothing comes of them."""


def _take_meaningless(kind: str, taken: _Attributes) -> None:
    """Take attributes of BuildKit's that nothing comes of here, and say so."""
    for name, (kinds, reason) in _MEANINGLESS.items():
        if kind in kinds and taken.given(name) and truth(taken.text(name)) is not False:
            notice(f"`{name}` of output `type={kind}` changes nothing: {reason}")


def _rootfs(taken: _Attributes) -> dict[str, Any]:
    return {
        "platform_split": taken.maybe_flag("platform-split"),
        "source_date_epoch": taken.number("source-date-epoch"),
        "rewrite_timestamp": taken.maybe_flag("rewrite-timestamp"),
        "attestation_prefix": taken.text("attestation-prefix"),
    }


class _Attributes:
    """Attributes of one output, taken one by one; ``finish`` complains about what is left.

    Args:
        kind: The output's type, for messages.
        values: As written.
    """

    def __init__(self, kind: str, values: dict[str, str]) -> None:
        self._kind = kind
        self._left = values
        self._known: set[str] = set()

    def text(self, name: str, default: str = "") -> str:
        self._known.add(name)
        return self._left.pop(name, default)

    def given(self, name: str) -> bool:
        """Tell whether an attribute was written."""
        return name in self._left

    def flag(self, name: str, *, default: bool = False) -> bool:
        found = self.maybe_flag(name)
        return default if found is None else found

    def maybe_flag(self, name: str) -> bool | None:
        """Take an attribute that is true, false or absent.

        Raises:
            UsageError: it is something else.
        """
        self._known.add(name)
        if name not in self._left:
            return None
        value = self._left.pop(name)
        found = truth(value)
        if found is None:
            raise UsageError(f"`{name}={value}` of `type={self._kind}` is neither true nor false")
        return found

    def number(self, name: str) -> int | None:
        """Take an attribute that is a number.

        Raises:
            UsageError: it is none.
        """
        value = self.text(name)
        if not value:
            return None
        if not value.isascii() or not value.isdigit() or len(value) > 12:
            raise UsageError(f"`{name}={value}` of `type={self._kind}` is not a number")
        return int(value)

    def annotations(self) -> tuple[Annotation, ...]:
        self._known.add("annotation.KEY")
        found = []
        for name in list(self._left):
            match = _ANNOTATION.fullmatch(name)
            if match is not None:
                on = cast("AnnotationPlace", match[1] or "manifest")
                found.append(Annotation(match[3], self._left.pop(name), on, match[2] or ""))
        return tuple(found)

    def finish(self, output: Callable[..., Output], **fields: object) -> Output:
        """Return the output, when nothing is left.

        Raises:
            UsageError: an attribute is unknown; says which there are.
        """
        if self._left:
            name = min(self._left)
            raise UsageError(
                f"unknown attribute `{name}` of output `type={self._kind}`",
                hint=f"it takes {', '.join(f'`{known}`' for known in sorted(self._known))}",
            )
        return output(**fields)
