"""Commands about files of images and containers: ls-files, cat, export."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import click

from jettison.api.session import Session
from jettison.cli import options
from jettison.cli.flags import DockerCommand
from jettison.cli.listing import Listing
from jettison.cli.session import in_session
from jettison.console.terminal import out, out_bytes, write_raw
from jettison.errors import UsageError
from jettison.linux.text import printable
from jettison.oci.digest import short

if TYPE_CHECKING:
    from jettison.api.image_files import ImageFile, ImageLayer

_HEADINGS = {
    "Path": "PATH",
    "Type": "TYPE",
    "Mode": "MODE",
    "UID": "UID",
    "GID": "GID",
    "Size": "SIZE",
    "ModTime": "MODIFIED",
    "Target": "TARGET",
    "Device": "DEVICE",
    "Links": "LINKS",
    "SHA256": "SHA256",
    "Layer": "LAYER",
    "LayerNumber": "LAYER NUMBER",
    "CreatedBy": "CREATED BY",
}
_SHOWN = ("Mode", "UID", "GID", "Size", "ModTime", "Path")
_TYPES = {
    "f": ("file", stat.S_IFREG),
    "d": ("directory", stat.S_IFDIR),
    "l": ("symlink", stat.S_IFLNK),
    "b": ("block device", stat.S_IFBLK),
    "c": ("character device", stat.S_IFCHR),
    "p": ("pipe", stat.S_IFIFO),
}
_NAMES = {kind: name for name, kind in _TYPES.values()}
_AT_ONCE = 512
_SCHEME_END = "://"


@click.command("ls-files", cls=DockerCommand)
@click.argument("image")
@click.argument("paths", metavar="[PATH...]", nargs=-1)
@click.option(
    "-l", "--long", is_flag=True, help="Also mode, owner, size, time and target of links."
)
@click.option("-z", "--null", is_flag=True, help="End each line with a NUL, and change no name.")
@click.option("--layer", is_flag=True, help="Also number and digest of the layer that has it.")
@click.option("--sha256", is_flag=True, help="Also the digest of each file.")
@click.option(
    "--type",
    "kinds",
    multiple=True,
    type=click.Choice(list(_TYPES)),
    help="Only files, directories, links, devices, pipes, as find has it.",
)
@click.option(
    "--depth", type=click.IntRange(min=0), help="So deep below what is named; 0 is that itself."
)
@click.option("--format", "form", default="", help="table, json or a template.")
@options.platform("Platform of an image for several.")
@click.pass_context
def ls_files(ctx: click.Context, /, image: str, paths: tuple[str, ...], **flags: object) -> int:
    """List the files of an image: of the store, a layout, or a registry without pulling it.

    PATH is a path or a pattern, and means all below it, too; without one the whole image is listed.
    """
    form, digests = str(flags["form"]), bool(flags["sha256"])
    if form and (flags["null"] or flags["long"]):
        raise UsageError("--format says all that -l and -z say", hint="leave one of them out")
    kinds = {_TYPES[each][1] for each in flags["kinds"]}  # type: ignore[attr-defined]
    depth = flags["depth"]

    def work(session: Session) -> int:
        from jettison.api.image_files import image_files

        with image_files(session, image, str(flags["platform"])) as found:
            layers = found.layers()
            files = (
                each
                for each in found.files(
                    paths, most_depth=depth if isinstance(depth, int) else None, digests=digests
                )
                if not kinds or stat.S_IFMT(each.stat.mode) in kinds
            )
            if form:
                listing = Listing("*formatter.fileContext", _HEADINGS, _SHOWN)
                rows = [_row(each, layers) for each in files]
                out(listing.render(form, rows))
                return 0
            line = partial(
                _line,
                layers=layers if flags["layer"] else (),
                long=bool(flags["long"]),
                digests=digests,
            )
            _print(map(line, files), null=bool(flags["null"]))
        return 0

    return in_session(ctx, work)


def _print(lines: Iterator[str], *, null: bool) -> None:
    """Write lines, many at a time; with ``null`` as they are, else what a terminal can be given."""
    batch: list[str] = []

    def flush() -> None:
        if null:
            out_bytes(b"".join(os.fsencode(line) + b"\0" for line in batch))
        else:
            out("".join(f"{printable(line)}\n" for line in batch))
        batch.clear()

    for line in lines:
        batch.append(line)
        if len(batch) >= _AT_ONCE:
            flush()
    flush()


def _line(each: ImageFile, *, layers: Sequence[ImageLayer], long: bool, digests: bool) -> str:
    """Return the line of a path; columns are wide enough for what is usual."""
    st = each.stat
    parts: list[str] = []
    if layers:
        parts.append(f"{st.device + 1:>3} {short(layers[st.device].diff_id)}")
    if long:
        size = _device(st.rdev) if _is_device(st.mode) else str(st.size if st.is_file else 0)
        owner = f"{st.uid}:{st.gid}"
        parts.append(f"{stat.filemode(st.mode)} {owner:>11} {size:>12} {_time(st.mtime_ns)}")
    if digests:
        parts.append(f"{each.sha256 or '-':<64}")
    parts.append(each.path + (f" -> {each.target}" if long and st.is_symlink else ""))
    return "  ".join(parts)


def _row(each: ImageFile, layers: Sequence[ImageLayer]) -> dict[str, object]:
    st = each.stat
    layer = layers[st.device] if st.device < len(layers) else None
    return {
        "Path": each.path,
        "Type": _NAMES.get(stat.S_IFMT(st.mode), "other"),
        "Mode": f"{stat.S_IMODE(st.mode):04o}",
        "UID": st.uid,
        "GID": st.gid,
        "Size": st.size if st.is_file else 0,
        "ModTime": _time(st.mtime_ns),
        "Target": each.target,
        "Device": _device(st.rdev) if _is_device(st.mode) else "",
        "Links": st.nlink,
        "SHA256": each.sha256,
        "Layer": layer.diff_id if layer else "",
        "LayerNumber": st.device + 1 if layer else 0,
        "CreatedBy": layer.created_by if layer else "",
    }


def _is_device(mode: int) -> bool:
    return stat.S_ISBLK(mode) or stat.S_ISCHR(mode)


def _device(rdev: int) -> str:
    return f"{os.major(rdev)},{os.minor(rdev)}"


def _time(mtime_ns: int) -> str:
    """Return a time in whole seconds; one that no calendar has as it is."""
    seconds = mtime_ns // 10**9
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (ValueError, OverflowError, OSError):
        return f"@{seconds}"


@click.command("cat", cls=DockerCommand)
@click.argument("places", metavar="IMAGE:PATH...", nargs=-1, required=True)
@options.platform("Platform of an image for several.")
@click.pass_context
def cat(ctx: click.Context, places: tuple[str, ...], platform: str) -> int:
    """Print files of images: of the store, a layout, or a registry without pulling the image.

    Links are followed inside the image. Nothing is printed unless all files are there.
    """
    wanted = [_place(each) for each in places]

    def work(session: Session) -> int:
        from jettison.api.image_files import ImageFiles, image_files

        with ExitStack() as stack:
            opened: dict[str, ImageFiles] = {}
            for image, _ in wanted:
                if image not in opened:
                    paths = [path for name, path in wanted if name == image]
                    opened[image] = stack.enter_context(
                        image_files(session, image, platform, wanted=paths)
                    )
            files = [(opened[image], opened[image].regular(path)) for image, path in wanted]
            for found, path in files:
                if sys.stdout.isatty():
                    found.read(path, partial(write_raw, sys.stdout))
                else:
                    found.copy(path, sys.stdout.buffer)
            if not sys.stdout.isatty():
                sys.stdout.buffer.flush()
        return 0

    return in_session(ctx, work)


def _place(text: str) -> tuple[str, str]:
    """Return image and path of ``IMAGE:PATH``; the path begins with a slash.

    A reference has no `:/`, whatever port and tag it has, but for the scheme of a layout.

    >>> _place("localhost:5000/app:1:/etc/passwd"), _place("oci-layout:///l:1:/a")
    (('localhost:5000/app:1', '/etc/passwd'), ('oci-layout:///l:1', '/a'))
    """
    scheme, found, rest = text.partition(_SCHEME_END)
    if not found or "/" in scheme:
        scheme, found, rest = "", "", text
    image, colon, path = rest.partition(":/")
    if not colon or not image:
        raise UsageError(
            f"`{text}` names no file of an image",
            hint="write IMAGE:/PATH, as in `app:1:/etc/hosts`",
        )
    return f"{scheme}{found}{image}", f"/{path}"


@click.command("export", cls=DockerCommand)
@click.argument("name", metavar="CONTAINER|IMAGE")
@options.archive_file()
@options.platform("Platform of an image for several.")
@click.pass_context
def export(ctx: click.Context, name: str, output: str, platform: str) -> int:
    """Write the files of a container, or of an image, as a tar archive.

    A container may run or not; what is mounted in it is left out. Of an image all layers are shown
    as one. A name with its registry may be of an image that is not in the store.
    """
    options.refuse_terminal(output)

    def work(session: Session) -> int:
        from jettison.api import export as api

        api.export(session, name, output, platform)
        return 0

    return in_session(ctx, work)
