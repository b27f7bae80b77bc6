"""The kinds of outputs: what a built image is to become, as values.

In:  fields, from the attributes of ``--output`` or from a Python program.
Out: frozen structs, checked when they are made.

This module is imported by every command: what it needs, it imports where it is used.

Source: BuildKit's exporter attributes.
"""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from jettison.errors import UsageError

STANDARD_OUTPUT = "-"

SET_ID = "setid"
DEVICES = "devices"
CAPABILITIES = "capabilities"
PRIVILEGES = (SET_ID, DEVICES, CAPABILITIES)
"""What a directory has on request only."""

ALL_PRIVILEGES = "all"

_LEVELS = {"uncompressed": (0, 0), "gzip": (0, 9), "estargz": (0, 9), "zstd": (0, 22)}


LayerCompression = Literal["uncompressed", "gzip", "estargz", "zstd"]

LocalMode = Literal["copy", "delete"]

AnnotationPlace = Literal["manifest", "manifest-descriptor", "index", "index-descriptor"]
"""What an annotation is on: a document, or what describes it."""


class Annotation(msgspec.Struct, frozen=True):
    """An annotation.

    Args:
        key, value: It.
        on: What has it.
        platform: Only for the image of this platform, such as ``linux/arm64``; empty for all.

    Raises:
        UsageError: there is no such place or platform.
    """

    key: str
    value: str
    on: AnnotationPlace = "manifest"
    platform: str = ""

    def __post_init__(self) -> None:
        if self.on not in get_args(AnnotationPlace):
            raise UsageError(
                f"there are no annotations on `{self.on}`",
                hint=f"use one of {', '.join(get_args(AnnotationPlace))}",
            )
        if self.platform:
            from jettison.oci.platform import parse_platform

            parse_platform(self.platform)


class ImageForm(msgspec.Struct, frozen=True, kw_only=True):
    """What all outputs have that are images.

    Args:
        names: References it gets; those of ``tags`` if there are none.
        compression: Of the layers; ``estargz`` is gzip in pieces, with a table of contents.
        compression_level: None is the compressor's default, as is 0 of zstd.
        force_compression: Also layers that came with other images in another compression.
        oci_mediatypes: OCI's or docker's media types; None is the output's default.
        annotations: Of manifest and index.
        rewrite_timestamp: No time later than SOURCE_DATE_EPOCH; None is as the build has it.
        attestation_inline: What is said of an image goes into its index, not beside it; None
            leaves that to the output and to each attestation.
        source_date_epoch: Seconds since the epoch: SOURCE_DATE_EPOCH for this output alone.

    Raises:
        UsageError: there is no such compression or level of it.
        InvalidReferenceError: a name is none.
    """

    names: tuple[str, ...] = ()
    compression: LayerCompression = "gzip"
    compression_level: int | None = None
    force_compression: bool = False
    oci_mediatypes: bool | None = None
    annotations: tuple[Annotation, ...] = ()
    rewrite_timestamp: bool | None = None
    attestation_inline: bool | None = None
    source_date_epoch: int | None = None

    def __post_init__(self) -> None:
        if self.names:
            from jettison.image.names import tag_reference

            _require_list("names", self.names)
            for name in self.names:
                tag_reference(name)
        if self.compression not in _LEVELS:
            raise UsageError(
                f"unknown compression `{self.compression}`", hint=f"use one of {', '.join(_LEVELS)}"
            )
        low, high = _LEVELS[self.compression]
        level = self.compression_level
        if level is not None and not low <= level <= high:
            raise UsageError(f"`compression-level={level}` is not between {low} and {high}")


def _require_list(name: str, value: object) -> None:
    """See that a list was not forgotten: text is a sequence of texts, too."""
    if isinstance(value, str):
        raise UsageError(f"`{name}` must be a list", hint=f'write `{name}=["{value}"]`')


class PushedForm(ImageForm, frozen=True, kw_only=True):
    """What outputs have that may go to a registry.

    Args:
        push_by_digest: Put no tags there.
        insecure: Do without TLS checks.
        name_canonical: Report ``NAME@DIGEST`` as names, too.
        dangling_name_prefix: A repository for an image without names, which is put there under
            its digest alone.
    """

    push_by_digest: bool = False
    insecure: bool = False
    name_canonical: bool = False
    dangling_name_prefix: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.dangling_name_prefix:
            from jettison.image.names import tag_reference

            tag_reference(self.dangling_name_prefix)


class ImageOutput(PushedForm, frozen=True, kw_only=True, tag_field="type", tag="image"):
    """An image of the local store.

    Args:
        push: Push it to the registries of its names as well.
        store: Keep and name it in the local store.
        unpack: Have the files of all its layers there, so that it starts at once.
    """

    push: bool = False
    store: bool = True
    unpack: bool = False


class RegistryOutput(PushedForm, frozen=True, kw_only=True, tag_field="type", tag="registry"):
    """An image that is pushed; see ``PushedForm``."""


class EngineOutput(ImageForm, frozen=True, kw_only=True, tag_field="type", tag="engine"):
    """An image that a running engine has, beside the local store.

    Args:
        engine: ``docker``, ``podman``, or an address as in DOCKER_HOST. Docker's is the one that
            DOCKER_HOST or its context names, else that of this machine; so is an empty one.
        context: One of docker's contexts instead.
        optional: Whether the local store will do where no engine is named, and for ``docker`` none
            is here.
    """

    engine: str = ""
    context: str = ""
    optional: bool = False


class _Archive(ImageForm, frozen=True):
    dest: str
    tar: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        kind = self.__struct_config__.tag
        if not self.dest:
            raise UsageError(
                f"output `type={kind}` needs a destination",
                hint=f"write `type={kind},dest=FILE`, or `dest=-` for standard output",
            )
        if self.dest == STANDARD_OUTPUT and not self.tar:
            raise UsageError("a layout directory cannot go to standard output")


class OciOutput(_Archive, frozen=True, tag_field="type", tag="oci"):
    """An OCI layout.

    Args:
        dest: File, directory (without ``tar``), or ``-`` for standard output.
        tar: Whether it is one file.
    """


class DockerOutput(_Archive, frozen=True, tag_field="type", tag="docker"):
    """An archive that docker loads: an OCI layout with a ``manifest.json``; see ``OciOutput``."""


class _Rootfs(msgspec.Struct, frozen=True):
    dest: str
    platform_split: bool | None = None
    source_date_epoch: int | None = None
    rewrite_timestamp: bool | None = None
    attestation_prefix: str = ""

    def __post_init__(self) -> None:
        kind = self.__struct_config__.tag
        if not self.dest:
            raise UsageError(
                f"output `type={kind}` needs a destination", hint=f"write `type={kind},dest=PATH`"
            )


class LocalOutput(_Rootfs, frozen=True, tag_field="type", tag="local"):
    """The files of an image in a directory.

    Args:
        dest: The directory.
        platform_split: A directory for each platform; None if there are several.
        source_date_epoch: The latest time that a file may have, in seconds; None for any.
        rewrite_timestamp: See ``ImageForm``.
        attestation_prefix: What names of files of attestations begin with.
        preserve: Names of ``PRIVILEGES``, or ``all``.
        mode: ``copy`` leaves what else is in the directory; ``delete`` removes it.

    Raises:
        UsageError: a field is wrong.
    """

    preserve: frozenset[str] = frozenset()
    mode: LocalMode = "copy"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.mode not in get_args(LocalMode):
            raise UsageError(
                f"output `type=local` has no mode `{self.mode}`", hint="use `copy` or `delete`"
            )
        _require_list("preserve", self.preserve)
        known = (*PRIVILEGES, ALL_PRIVILEGES)
        unknown = {*self.preserve} - {*known}
        if unknown:
            raise UsageError(
                f"output `type=local` cannot preserve `{min(unknown)}`",
                hint=f"`preserve` takes {', '.join(f'`{name}`' for name in known)},"
                " several with `+` between",
            )
        if self.dest == STANDARD_OUTPUT:
            raise UsageError("a directory cannot go to standard output", hint="use `type=tar`")


class TarOutput(_Rootfs, frozen=True, tag_field="type", tag="tar"):
    """The files of an image in a tar; ``dest`` may be ``-``, the rest is as in ``LocalOutput``."""


class CacheOnlyOutput(msgspec.Struct, frozen=True, tag_field="type", tag="cacheonly"):
    """Nothing: the build only fills the cache."""


OutputRequest = (
    ImageOutput
    | RegistryOutput
    | EngineOutput
    | OciOutput
    | DockerOutput
    | LocalOutput
    | TarOutput
    | CacheOnlyOutput
)

KINDS: tuple[type[OutputRequest], ...] = (
    ImageOutput,
    RegistryOutput,
    EngineOutput,
    OciOutput,
    DockerOutput,
    LocalOutput,
    TarOutput,
    CacheOnlyOutput,
)


def kind_of(output: OutputRequest | type[OutputRequest]) -> str:
    """Return what ``type=`` calls an output."""
    return str(output.__struct_config__.tag)


TYPES = tuple(map(kind_of, KINDS))
