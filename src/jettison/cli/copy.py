"""``jettison copy``: images from one place to another, as ``skopeo copy``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from jettison.api.copy import Copied, CopyRequest
from jettison.api.copy import copy as copy_image
from jettison.api.session import Session
from jettison.cli import options
from jettison.cli.flags import DockerCommand
from jettison.cli.main import settings_of
from jettison.cli.notices import notice
from jettison.cli.session import in_session
from jettison.console.select import make_transfer_console
from jettison.console.terminal import out
from jettison.errors import ExportError, UsageError
from jettison.exporter.copying.place import parse_place
from jettison.exporter.outputs import STANDARD_OUTPUT
from jettison.oci.digest import Digest


@click.command("copy", cls=DockerCommand)
@click.argument("source", metavar="SOURCE")
@click.argument("target", metavar="DESTINATION")
@click.option("-a", "--all", "everything", is_flag=True, help="An index with all its images.")
@click.option(
    "--multi-arch",
    type=click.Choice(["system", "all", "index-only"]),
    default="system",
    help="Of an index: this machine's image, all, or the index alone.",
)
@options.platform("Of an index, the image for this platform.")
@click.option("--referrers", is_flag=True, help="Also signatures, and what else refers to it.")
@click.option("--digestfile", default="", metavar="FILE", help="Write the digest to a file.")
@click.option(
    "--src-tls-verify/--no-src-tls-verify",
    "source_tls",
    default=True,
    help="Check the certificate of the registry that is read.",
)
@click.option(
    "--dest-tls-verify/--no-dest-tls-verify",
    "target_tls",
    default=True,
    help="Check the certificate of the registry that is written.",
)
@click.option("--preserve-digests", is_flag=True, hidden=True)
@click.option("-q", "--quiet", is_flag=True, help="Print the digest only.")
@click.pass_context
def copy(ctx: click.Context, /, source: str, target: str, **flags: object) -> int:
    """Copy an image between registries, layouts, archives and the local store.

    Places are docker://NAME, oci:DIR[:NAME], oci-archive:FILE[:NAME], docker-archive:FILE[:NAME]
    and store:NAME; to docker-daemon:NAME and podman:NAME go images of the store. Nothing is
    unpacked, and digests stay as they are.
    """
    multi_arch = str(flags["multi_arch"])
    request = CopyRequest(
        source,
        target,
        platform=str(flags["platform"]),
        everything=bool(flags["everything"]) or multi_arch == "all",
        index_only=multi_arch == "index-only",
        referrers=bool(flags["referrers"]),
    )
    quiet = bool(flags["quiet"])

    def work(session: Session) -> int:
        console = make_transfer_console("push", target, os.environ, quiet=quiet)
        try:
            copied = copy_image(session, request, console)
        finally:
            console.close()
        _tell(copied, source)
        if digestfile := str(flags["digestfile"]):
            write_digest(digestfile, copied.digest)
        if parse_place(target).path != STANDARD_OUTPUT:
            out(f"{copied.digest}\n")
        return 0

    unchecked = [
        place
        for place, checked in ((source, flags["source_tls"]), (target, flags["target_tls"]))
        if not checked
    ]
    known = settings_of(ctx).insecure_registries
    return in_session(ctx, work, insecure_registries=(*known, *map(_registry, unchecked)))


def _registry(place: str) -> str:
    reference = parse_place(place).reference
    if reference is None:
        raise UsageError(f"`{place}` is in no registry: there is no certificate to check")
    return reference.registry


def _tell(copied: Copied, source: str) -> None:
    if copied.left_out > 0:
        notice(f"`{source}` is an index: its images for other platforms are copied with `--all`")
    if copied.foreign:
        notice(f"{copied.foreign} layers are not copied: their image says that they must not be")


def write_digest(path: str, digest: Digest) -> None:
    """Write a digest to a file.

    Raises:
        ExportError: it cannot be written.
    """
    try:
        Path(path).write_text(f"{digest}\n")
    except OSError as error:
        raise ExportError(
            f"cannot write `{path}`: {(error.strerror or str(error)).lower()}"
        ) from error
