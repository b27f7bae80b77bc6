"""Flags of ``build`` that write what came of it into files: ``--iidfile``, ``--metadata-file``.

In:  the result of a build.
Out: an image ID; a JSON document under buildx's keys, and our own below ``jettison``.

Source: buildx, commands/build.go and its manual, "Write build result metadata to a file".
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import click
import msgspec

from jettison.api.request import BuildResult
from jettison.cli.options import all_of
from jettison.errors import ExportError

_Function = Callable[..., object]

_BUILDER = "default/default"
"""Builder and node of builds: there is one."""

_ID_LENGTH = 25
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def result_flags(command: _Function) -> _Function:
    """Let a function have the flags."""
    decorate = all_of(
        click.option("--iidfile", default="", metavar="FILE", help="Write the image ID to a file."),
        click.option(
            "--metadata-file",
            default="",
            metavar="FILE",
            help="Write facts of the build to a JSON file.",
        ),
    )
    return decorate(command)


def remove_stale(iidfile: str) -> None:
    """Remove the ID of another build, so that it does not stay if this one fails.

    Raises:
        ExportError: it cannot be removed.
    """
    if not iidfile or not os.path.isfile(iidfile):
        return  # devices and pipes hold nothing
    try:
        with suppress(FileNotFoundError):
            os.unlink(iidfile)
    except OSError as error:
        raise ExportError(f"cannot write `{iidfile}`: {error.strerror}") from error


def write_files(result: BuildResult, iidfile: str, metadata_file: str) -> None:
    """Write the files; empty names are none.

    The ID of images for several platforms is the digest of their index, if one was written.

    Raises:
        ExportError: one cannot be written.
    """
    try:
        if iidfile:
            several = len(result.images) > 1 and result.manifest is not None
            Path(iidfile).write_text(str(result.manifest if several else result.image_id))
        if metadata_file:
            data = msgspec.json.format(msgspec.json.encode(metadata(result)), indent=2)
            Path(metadata_file).write_bytes(data + b"\n")
    except OSError as error:
        raise ExportError(f"cannot write `{error.filename}`: {error.strerror}") from error


def metadata(result: BuildResult) -> dict[str, object]:
    """Return the facts of a build under the names of docker's ``--metadata-file``, and ours.

    What did not happen has no key: where no output has a manifest, there is no digest of one.
    """
    facts: dict[str, object] = {}
    for platform, predicate in result.provenances.items():
        part = f"/{platform}" if len(result.provenances) > 1 else ""
        facts[f"buildx.build.provenance{part}"] = predicate
    facts["buildx.build.ref"] = f"{_BUILDER}/{_new_id()}"
    if len(result.images) <= 1:
        facts["containerimage.config.digest"] = result.image_id
    if result.descriptor is not None:
        facts["containerimage.descriptor"] = msgspec.to_builtins(result.descriptor)
        facts["containerimage.digest"] = result.descriptor.digest
    if result.tags:
        facts["image.name"] = ",".join(result.tags)
    facts["jettison"] = msgspec.to_builtins(msgspec.structs.replace(result, provenances={}))
    return facts


def _new_id() -> str:
    """Return what names one build, in the form of BuildKit's ids."""
    number = int.from_bytes(os.urandom(20))
    digits = []
    for _ in range(_ID_LENGTH):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(digits)
