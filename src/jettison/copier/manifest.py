"""Reads what a selection's digest is of: the files, each with what counts of it.

In:  the digest of a selection (``Selection.digest``), and what digests are of.
Out: ``SelectedFiles``.

The way down: the digest of a selection is of a record for each source; that of a directory holds
the digest of a list of directories; that of each of these is of rows (``copier.content``).
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from jettison.fs.glob import clean_path, has_wildcard
from jettison.plan.op import CopyOp, CopySource

Find = Callable[[bytes], bytes | None]
"""Returns what a raw digest is of, None where that is not known."""

_PLAIN = 3
"""Elements of the row of a file that belongs to root, without attributes and a time that counts."""
_decode = msgspec.msgpack.decode


class SelectedFile(msgspec.Struct, frozen=True):
    """What counts of a file.

    Args:
        mode: Type and permission bits.
        content: sha256 of its bytes, target of a link, device number, or the name of another file
            of the inode; empty for a directory.
        owner: User and group.
        xattrs: Extended attributes, encoded.
        mtime_ns: Its time where that counts, as text.
    """

    mode: int
    content: bytes = b""
    owner: tuple[int, int] = (0, 0)
    xattrs: bytes = b""
    mtime_ns: bytes = b""

    @property
    def kind(self) -> str:
        """What it is, in a word."""
        return _KINDS.get(stat.S_IFMT(self.mode), "special file")


_KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "link"}


class SelectedFiles(msgspec.Struct, frozen=True):
    """The files of a selection.

    Args:
        directories: Digests of what is directly in directories, by path of the directory in its
            context; equal ones hold equal files.
        files: Those that were named as sources, by path.
        find: What digests are of.
    """

    directories: dict[str, bytes]
    files: dict[str, SelectedFile]
    find: Find

    def below(self, directory: str) -> dict[str, SelectedFile] | None:
        """Return what is directly in a directory, by path; None if that is not known."""
        digest = self.directories.get(directory)
        encoded = None if digest is None else self.find(digest)
        if encoded is None:
            return None if digest is not None else {}
        try:
            rows = _decode(encoded)
            return {_joined(directory, _text(row[0])): _file(row) for row in rows}
        except (msgspec.DecodeError, TypeError, IndexError, ValueError):
            return None


def read_selection(digest: bytes, op: CopyOp, find: Find) -> SelectedFiles | None:
    """Return the files of a selection, None where they are not known.

    Args:
        digest: Raw, of the selection.
        op: What selected them: records do not hold the paths of sources.
        find: Knows what digests are of.
    """
    encoded = find(digest)
    if encoded is None:
        return None
    try:
        return _read(_decode(encoded), op, find)
    except (msgspec.DecodeError, TypeError, IndexError, ValueError):
        return None


def held_by(digest: bytes, find: Find) -> Iterator[bytes]:
    """Yield a selection's digest and all that it is of, down to lists of files.

    What is no digest of a selection, such as that of a destination, is yielded alone.
    """
    yield digest
    encoded = find(digest)
    if encoded is None:
        return
    try:
        for record in _decode(encoded):
            if isinstance(record, list) and record[0] == "directory":
                yield record[1]
                yield from (each for _, each in _decode(find(record[1]) or b"\x90"))
    except (msgspec.DecodeError, TypeError, IndexError, ValueError):
        return


def _read(records: Sequence[Any], op: CopyOp, find: Find) -> SelectedFiles | None:
    directories: dict[str, bytes] = {}
    files: dict[str, SelectedFile] = {}
    for record, source in zip(records, _sources(op, len(records)), strict=True):
        match record[0]:
            case "inline":
                files[_text(record[1])] = SelectedFile(record[2], str(record[3]).encode())
            case "file":
                row = record[2]
                files[_file_path(source, _text(row[0]))] = _file(row)
            case _:
                encoded = find(record[1])
                if encoded is None:
                    return None
                root = _directory_path(source)
                for path, each in _decode(encoded):
                    directories[_joined(root, _text(path))] = each
    return SelectedFiles(directories, files, find)


def _sources(op: CopyOp, count: int) -> Iterator[CopySource | None]:
    """Yield what each record is of; None where wildcards leave that open."""
    if len(op.sources) == count:
        yield from op.sources
    else:
        one = op.sources[0] if len(op.sources) == 1 else None
        yield from [one] * count


def _file_path(source: CopySource | None, name: str) -> str:
    """Return the path of a file that a source matches, as well as the source tells it."""
    if source is None:
        return name
    return _joined(clean_path("/" + source.path).rpartition("/")[0].lstrip("/"), name)


def _directory_path(source: CopySource | None) -> str:
    if source is None or has_wildcard(source.path):
        return ""
    return clean_path("/" + source.path.partition("/./")[0]).strip("/")


def _file(row: Sequence[Any]) -> SelectedFile:
    name, mode, content = row[:_PLAIN]
    del name
    raw = content if isinstance(content, bytes) else b"" if content is None else b"%r" % (content,)
    if len(row) == _PLAIN:
        return SelectedFile(mode, raw)
    uid, gid = row[_PLAIN]
    xattrs = msgspec.msgpack.encode(row[_PLAIN + 1]) if row[_PLAIN + 1] else b""
    mtime_ns = bytes(row[_PLAIN + 3]) if len(row) > _PLAIN + 3 else b""
    return SelectedFile(mode, raw, (uid, gid), xattrs, mtime_ns)


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _joined(directory: str, name: str) -> str:
    return f"{directory}/{name}" if directory and name else directory or name
