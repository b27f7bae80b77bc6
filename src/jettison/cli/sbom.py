"""``jettison sbom``: what packages an image, or a stage of its build, has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from jettison.api.session import Session
from jettison.cli.flags import DockerCommand
from jettison.cli.session import in_session
from jettison.cli.table import table
from jettison.console.terminal import err, out, out_json
from jettison.errors import ExportError, UsageError
from jettison.linux.text import printable

if TYPE_CHECKING:
    from jettison.sbom.model import Bom

FORMATS = ("table", "spdx-json", "cyclonedx-json")


@click.command("sbom", cls=DockerCommand)
@click.argument("image", metavar="IMAGE|DIR")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="table",
    help="Format of the output.",
)
@click.option("-o", "--output", default="-", metavar="FILE", help="Write to a file.")
@click.option(
    "--stage",
    "stages",
    multiple=True,
    metavar="STAGE",
    help="Describe a stage of the image's build, and mark what of it is in the image; repeatable.",
)
@click.option("--all-stages", is_flag=True, help="Describe all stages that the build needed.")
@click.option("--platform", default="", help="Platform of an image for several.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing of what could not be read.")
@click.pass_context
def sbom(
    ctx: click.Context,
    /,
    image: str,
    *,
    form: str,
    output: str,
    stages: tuple[str, ...],
    all_stages: bool,
    platform: str,
    quiet: bool,
) -> int:
    """List the packages of an image, of stages of its build, or of a directory.

    An image that is not in the store is pulled. A directory is written as ./DIR, /DIR or dir:DIR,
    a layout as oci-layout://DIR.
    """
    if stages and all_stages:
        raise UsageError("`--stage` and `--all-stages` are both given", hint="leave one out")

    def work(session: Session) -> int:
        from jettison.api.sbom import make_sbom

        found = make_sbom(session, image, stages=stages, all_stages=all_stages, platform=platform)
        for subject in found.subjects if not quiet else ():
            for path, why in subject.notes:
                err(f"WARN: {printable(subject.name)}: not read: {path}: {why}\n")
        if output == "-":
            _print(found, form)
        else:
            _write(found, form, output)
        return 0

    return in_session(ctx, work)


def _pieces(found: Bom, form: str) -> Iterator[bytes]:
    if form == "spdx-json":
        from jettison.sbom.spdx import spdx_document

        return spdx_document(found)
    if form == "cyclonedx-json":
        from jettison.sbom.cyclonedx import cyclonedx_document

        return cyclonedx_document(found)
    from jettison.sbom.table import sbom_table

    return iter([table(*sbom_table(found)).encode(errors="replace")])


def _print(found: Bom, form: str) -> None:
    show = out if form == "table" else out_json
    for piece in _pieces(found, form):
        show(piece.decode())


def _write(found: Bom, form: str, path: str) -> None:
    try:
        with open(path, "wb") as file:
            file.writelines(_pieces(found, form))
    except OSError as error:
        raise ExportError(
            f"cannot write `{path}`: {error.strerror}",
            hint="name a file in a directory that is there and can be written",
        ) from error
