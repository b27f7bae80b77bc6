"""``jettison provenance``: where the paths of an image came from, like ``git blame``."""

from __future__ import annotations

import json
import stat
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from jettison.api.session import Session
from jettison.cli.flags import DockerCommand
from jettison.cli.session import in_session
from jettison.cli.table import table
from jettison.console.plain import size
from jettison.console.terminal import out, out_json
from jettison.image.names import find_image
from jettison.linux.text import printable

if TYPE_CHECKING:
    from jettison.api.provenance import PathOrigin
    from jettison.provenance.chain import Chain, Link, Provenance
    from jettison.store.image import StoredImage

_MANY = 4
"""From here on rows of one directory and one origin are one row."""

_KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo",
    stat.S_IFCHR: "character",
    stat.S_IFBLK: "block",
}


@click.command("provenance", cls=DockerCommand)
@click.argument("image", metavar="IMAGE")
@click.argument("path", metavar="[PATH...]", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="Every path with its whole chain, as JSON.")
@click.option("--files", is_flag=True, help="A row for each file, none for whole directories.")
@click.pass_context
def provenance(
    ctx: click.Context, /, image: str, path: tuple[str, ...], *, as_json: bool, files: bool
) -> int:
    """Show which Dockerfile line and stage made the paths of an image.

    A file is shown with its whole way through all copies; of directories, patterns and whole
    images, everything with one origin is one row.
    """

    def work(session: Session) -> int:
        from jettison.api.provenance import open_provenance, path_origins

        found = find_image(session.store, image)
        known = open_provenance(session, found)
        origins = list(path_origins(known, path, image))
        if as_json:
            document = _document(known, found, origins)
            out_json(json.dumps(document, indent=2) + "\n")
        elif path and not any(each.is_dir for each in origins) and len(origins) <= len(path):
            out("\n".join(_way(known, each) for each in origins))
        else:
            rows = [_Row(each, [each]) for each in origins if not each.is_dir]
            if not files:
                rows = _whole(origins)
            titles = ("STAGE", "LINE", "FILES", "SIZE", "PATH", "FROM")
            out(table(titles, [row.cells(known) for row in rows]))
        return 0

    return in_session(ctx, work)


class _Row:
    """A path with all that is in it, which has one origin.

    Args:
        top: It.
        inside: It and what is in it.
        path: What is shown of the path, if not it.
    """

    def __init__(self, top: PathOrigin, inside: Sequence[PathOrigin], path: str = "") -> None:
        self.top = top
        self.inside = inside
        self.path = path or top.path + ("/" if top.is_dir else "")

    def cells(self, known: Provenance) -> tuple[str, ...]:
        """Return the cells of the table."""
        files = [each for each in self.inside if not each.is_dir]
        producer = self.top.chain.producer
        return (
            known.record.stages[producer.stage].label if producer.stage >= 0 else "-",
            str(producer.line or "-"),
            str(len(files)),
            size(sum({each.inode: each.size_bytes for each in files}.values())),
            self.path,
            _source(self),
        )


def _whole(origins: Sequence[PathOrigin]) -> list[_Row]:
    """Return rows: a directory whose files all came the same way is one row.

    Of a directory that holds something it does not matter who made it.
    """
    directories = {each.path for each in origins if each.is_dir}
    parents = {each.path.rpartition("/")[0] for each in origins}
    below: dict[str, list[PathOrigin]] = {}
    ways: dict[str, set[tuple[object, ...]]] = {}
    for each in origins:
        if each.path in parents:
            continue
        way = _identity(each.chain)
        parent = each.path.rpartition("/")[0]
        while parent in directories:
            below.setdefault(parent, []).append(each)
            ways.setdefault(parent, set()).add(way)
            parent = parent.rpartition("/")[0]
    rows: list[_Row] = []
    covered = ""
    for each in origins:
        if covered and each.path.startswith(covered):
            continue
        inside = below.get(each.path)
        if inside is None:
            rows.append(_Row(each, [each]))
        elif len(ways[each.path]) == 1:
            rows.append(_Row(inside[0], inside, each.path + "/"))
            covered = each.path + "/"
    return _together(rows)


def _together(rows: Sequence[_Row]) -> list[_Row]:
    """Return rows with many of one directory that came the same way as one."""
    groups: dict[tuple[object, ...], list[_Row]] = {}
    for row in rows:
        parent = row.path.rstrip("/").rpartition("/")[0]
        groups.setdefault((parent, _identity(row.top.chain)), []).append(row)
    found = []
    for key, group in groups.items():
        if len(group) < _MANY:
            found += group
            continue
        inside = [each for row in group for each in row.inside]
        found.append(_Row(group[0].top, inside, f"{key[0]}/*"))
    return sorted(found, key=lambda row: row.path.split("/"))


def _identity(chain: Chain) -> tuple[object, ...]:
    """Return what paths have in common that came the same way."""
    return tuple((link.way, link.stage, link.step, link.detail) for link in chain.links)


def _source(row: _Row) -> str:
    """Return what a row says of where a path was before, and by what."""
    chain = row.top.chain
    last, shown = chain.links[-1], row.path.rstrip("/*") or "/"
    # What is shown for a directory is the place of one of its files without its name there.
    rest = row.top.path[len(shown) :] if row.path[-1] in "/*" else ""
    before = last.path.removesuffix(rest) or "/"
    if last.stage < 0:
        return _place(last, before)
    text = _instruction(last)
    return text if before == shown else f"{before}  ({text})"


def _way(known: Provenance, origin: PathOrigin) -> str:
    """Return the lines that tell the way of a path, from the image back."""
    name = known.record.dockerfile or "Dockerfile"
    weight = f"  {size(origin.size_bytes)}" if stat.S_ISREG(origin.mode) else ""
    lines = [f"{printable(origin.path)}{weight}"]
    before = origin.path
    labels = [_label(known, link) for link in origin.chain.links]
    most = max(map(len, labels))
    for label, link in zip(labels, origin.chain.links, strict=True):
        place = f"{name}:{link.line}" if link.line else ""
        text = _instruction(link) if link.stage >= 0 else _place(link)
        moved = f"  was {link.path}" if link.stage >= 0 and link.path != before else ""
        line = f"  {label.ljust(most)}  {place:<14}  {text}{moved}"
        lines.append(printable(line.rstrip()))
        before = link.path
    return "\n".join(lines) + "\n"


def _label(known: Provenance, link: Link) -> str:
    return known.record.stages[link.stage].label if link.stage >= 0 else ""


def _instruction(link: Link) -> str:
    from jettison.provenance.chain import Way

    if link.way is Way.BASE:
        return f"FROM {link.detail}" if link.detail else link.instruction or "base image"
    if link.way is Way.LOST:
        return "not in the store any more: build the image again"
    return link.instruction


def _place(link: Link, path: str = "") -> str:
    """Return where a path was outside of all stages; ``path`` is shown in place of its own."""
    from jettison.provenance.chain import Way

    match link.way:
        case Way.HEREDOC:
            return f"heredoc {link.path}"
        case Way.CONTEXT:
            where = "context" if link.detail == "context" else f"context {link.detail}"
        case Way.LOST:
            return "not in the store any more: build the image again"
        case _:
            where = link.detail
    return f"{where}: {path or link.path}" + (f", {link.member}" if link.member else "")


def _document(
    known: Provenance, image: StoredImage, origins: Sequence[PathOrigin]
) -> dict[str, Any]:
    """Return the JSON document (``docs/reference/provenance.md``)."""
    return {
        "schema": "provenance/v1",
        "image": image.id,
        "dockerfile": known.record.dockerfile,
        "paths": [
            {
                "path": each.path,
                "kind": _KINDS.get(stat.S_IFMT(each.mode), "other"),
                "mode": f"{stat.S_IMODE(each.mode):04o}",
                "size": each.size_bytes,
                "chain": [_link(known, image, link) for link in each.chain.links],
            }
            for each in origins
        ],
    }


def _link(known: Provenance, image: StoredImage, link: Link) -> dict[str, Any]:
    inside = link.stage >= 0
    stage = known.record.stages[link.stage] if inside else None
    is_shipped = inside and any(
        each.layer == link.layer for each in known.image.layers[link.position : link.position + 1]
    )
    return {
        "path": link.path,
        "how": link.way.value,
        "stage": stage.label if stage is not None else None,
        "stage_index": link.stage if inside else None,
        "line": link.line or None,
        "end_line": link.end_line or None,
        "instruction": link.instruction or None,
        "layer": image.layers[link.position].diff_id if is_shipped else None,
        "from": link.detail or None,
        "member": link.member or None,
    }
