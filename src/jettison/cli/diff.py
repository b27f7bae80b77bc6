"""``jettison diff``: what is different between two images; its status is that of diff(1)."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from jettison.api.session import Session
from jettison.cli.flags import DockerCommand
from jettison.cli.main import print_error
from jettison.cli.session import in_session
from jettison.console.plain import size
from jettison.console.terminal import out, out_json
from jettison.errors import JettisonError
from jettison.image.names import find_image
from jettison.linux.text import printable

if TYPE_CHECKING:
    from jettison.analysis.changes import FileChange, PathFacts
    from jettison.api.diff import CausedChange, CauseSize, ImageDiff, PackageChange

SAME, DIFFERENT, TROUBLE = 0, 1, 2

_TYPES = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink"}
_SIGNS = {"added": "+", "removed": "-", "changed": "~"}


@click.command("diff", cls=DockerCommand)
@click.argument("before", metavar="IMAGE")
@click.argument("after", metavar="IMAGE")
@click.option("--json", "as_json", is_flag=True, help="The differences as JSON.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing: the status tells.")
@click.pass_context
def diff(ctx: click.Context, /, before: str, after: str, *, as_json: bool, quiet: bool) -> int:
    """Show what is different between two images: files, config, packages, size by cause.

    Ends with 0 if nothing is, 1 if something is, 2 if that cannot be found out.
    """

    def work(session: Session) -> int:
        from jettison.api.diff import diff_images

        images = [find_image(session.store, name) for name in (before, after)]
        found = diff_images(session, *images)
        if as_json:
            out_json(json.dumps(_document(found), indent=2) + "\n")
        elif not quiet:
            out("".join(f"{printable(line)}\n" for line in _lines(found)))
        return SAME if found.is_empty else DIFFERENT

    try:
        return in_session(ctx, work)
    except JettisonError as error:
        if ctx.find_root().ensure_object(dict).get("verbose"):
            raise
        print_error(error)
        return TROUBLE


def _lines(found: ImageDiff) -> Iterator[str]:
    """Yield the lines for people; nothing if nothing is different."""
    if found.files:
        yield "FILES"
        yield from map(_file_line, _whole(found.files))
    if found.config:
        yield "CONFIG"
        for each in found.config:
            sign = "+" if each.before is None else "-" if each.after is None else "~"
            values = [_value(value) for value in (each.before, each.after) if value is not None]
            yield f"  {sign} {each.field}  {' -> '.join(values)}"
    if found.packages:
        yield "PACKAGES"
        yield from map(_package_line, found.packages)
    if found.causes:
        yield "SIZE BY CAUSE"
        yield from map(_cause_line, found.causes)
    if found.before_bytes != found.after_bytes:
        delta = _signed(found.after_bytes - found.before_bytes)
        yield f"SIZE  {size(found.before_bytes)} -> {size(found.after_bytes)}  ({delta})"


def _whole(changes: Sequence[CausedChange]) -> Iterator[tuple[CausedChange, int, int]]:
    """Yield changes, with the bytes and number of files; a directory that came or went is one."""
    position = 0
    while position < len(changes):
        each = changes[position]
        position += 1
        facts = each.change.after or each.change.before
        if each.change.kind.value == "changed" or not stat.S_ISDIR(facts.mode if facts else 0):
            yield each, facts.size_bytes if facts is not None else 0, 1
            continue
        total = files = 0
        while position < len(changes) and changes[position].change.path.startswith(
            each.change.path + "/"
        ):
            inside = changes[position].change
            inner = inside.after or inside.before
            if inner is not None and not stat.S_ISDIR(inner.mode):
                total += inner.size_bytes
                files += 1
            position += 1
        yield each, total, files


def _file_line(row: tuple[CausedChange, int, int]) -> str:
    caused, total, files = row
    change = caused.change
    words: list[str] = []
    facts = change.after or change.before
    path = change.path
    if change.before is not None and change.after is not None:
        words += [_aspect(each.value, change.before, change.after) for each in change.aspects]
    elif facts is not None and stat.S_ISDIR(facts.mode):
        path += "/"
        words.append(f"{files} files, {size(total)}")
    else:
        words.append(size(total))
    return f"  {_SIGNS[change.kind.value]} {path}  {', '.join(words)}  {_by(caused)}".rstrip()


def _by(caused: CausedChange) -> str:
    """Return the stage and line that a path came from, if they are known."""
    if not caused.line:
        return ""
    stage = f"{caused.cause.stage} " if caused.cause.stage else ""
    return f"[{stage}line {caused.line}]"


def _aspect(name: str, before: PathFacts, after: PathFacts) -> str:
    match name:
        case "content":
            return f"content {size(before.size_bytes)} -> {size(after.size_bytes)}"
        case "mode":
            return f"mode {stat.S_IMODE(before.mode):04o} -> {stat.S_IMODE(after.mode):04o}"
        case "owner":
            return f"owner {before.uid}:{before.gid} -> {after.uid}:{after.gid}"
        case "target":
            return f"target {before.target} -> {after.target}"
        case "type":
            return f"{_type(before)} -> {_type(after)}"
        case _:
            return name


def _type(facts: PathFacts) -> str:
    return _TYPES.get(stat.S_IFMT(facts.mode), "other")


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _package_line(each: PackageChange) -> str:
    versions = [version for version in (each.before, each.after) if version]
    sign = "+" if not each.before else "-" if not each.after else "~"
    return f"  {sign} {each.kind} {each.name}  {' -> '.join(versions)}"


def _cause_line(each: CauseSize) -> str:
    stage = f"{each.cause.stage}: " if each.cause.stage else ""
    return f"  {_signed(each.delta_bytes):>10}  {stage}{each.cause.instruction}"


def _signed(count: int) -> str:
    return f"{'-' if count < 0 else '+'}{size(abs(count))}"


def _document(found: ImageDiff) -> dict[str, Any]:
    """Return the JSON document (``docs/reference/provenance.md``)."""
    return {
        "schema": "diff/v1",
        "before": {"image": found.before, "bytes": found.before_bytes},
        "after": {"image": found.after, "bytes": found.after_bytes},
        "files": [
            {**_change(each.change), "stage": each.cause.stage or None, "line": each.line or None}
            for each in found.files
        ],
        "config": [
            {"field": each.field, "before": each.before, "after": each.after}
            for each in found.config
        ],
        "packages": [
            {
                "kind": each.kind,
                "name": each.name,
                "before": each.before or None,
                "after": each.after or None,
            }
            for each in found.packages
        ],
        "causes": [
            {
                "stage": each.cause.stage or None,
                "instruction": each.cause.instruction,
                "before_line": each.before_line or None,
                "after_line": each.after_line or None,
                "before_bytes": each.before_bytes,
                "after_bytes": each.after_bytes,
                "delta_bytes": each.delta_bytes,
            }
            for each in found.causes
        ],
    }


def _change(change: FileChange) -> dict[str, Any]:
    return {
        "path": change.path,
        "change": change.kind.value,
        "aspects": [each.value for each in change.aspects],
        "before": _facts(change.before),
        "after": _facts(change.after),
    }


def _facts(facts: PathFacts | None) -> dict[str, Any] | None:
    if facts is None:
        return None
    return {
        "type": _type(facts),
        "mode": f"{stat.S_IMODE(facts.mode):04o}",
        "uid": facts.uid,
        "gid": facts.gid,
        "size": facts.size_bytes,
        "target": facts.target or None,
    }
