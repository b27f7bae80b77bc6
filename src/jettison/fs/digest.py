"""Content digests of files, remembered as long as nothing says that a file changed.

In:  paths and ``lstat`` results.
Out: raw sha256 (32 bytes); notes that somebody made about whole directories.

A remembered digest counts only while device, inode, size, mtime and ctime are what they were:
ctime cannot be set back, so equal size and mtime never hide a change. A file that was changed in
the last two seconds before it was read is not remembered, because a write in the same tick of the
file system's clock would leave the same times ("racily clean", as git calls it).

On disk: one blob per root directory (``MemoTable``): msgpack of two maps, path to 5 integers, a
digest and perhaps a mark; path of a directory to what it looked like, and a note. The first is by
far the bigger, and is only looked into when some file is not covered by a note.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import struct
import threading
import time
from operator import attrgetter
from pathlib import Path
from typing import Protocol, Self

import msgspec

from jettison.fs.holes import check_size, may_have_holes, pieces
from jettison.fs.tree import FileStat

_CHUNK_BYTES = 1 << 20
_RACY_NS = 2_000_000_000
_FACTS = struct.Struct("<QQqqq")
_ENTRY_BYTES = _FACTS.size + 32
_PLAIN = b"p"
"""Ends the entry of a file that had no extended attributes: a change of these changes ctime."""

_MEMO_VERSION = b"jettison-memo-2\0"
_SEEN_BYTES = 32
_OPEN_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
"""O_NONBLOCK: a FIFO that took a file's place since it was looked at must not block."""


class MemoTable(Protocol):
    """Where memos are kept (``store.database``)."""

    def file_memo(self, root: str) -> bytes | None:
        """Return the blob of a root directory, or None."""
        ...

    def set_file_memo(self, root: str, blob: bytes) -> None:
        """Keep the blob of a root directory."""
        ...


def file_sha256(path: str | Path) -> bytes:
    """Return the sha256 of a regular file's bytes.

    Raises:
        ContentError: it is longer than a file of an image may be.
        OSError: it cannot be read, or is a symbolic link or another special file.
    """
    descriptor, st = _open_regular(path)
    try:
        return descriptor_sha256(descriptor, st, path)
    finally:
        os.close(descriptor)


def descriptor_sha256(descriptor: int, st: os.stat_result, path: str | Path) -> bytes:
    """Return the sha256 of an open regular file's bytes; holes are not read.

    Args:
        descriptor: The file, at its begin.
        st: Its own; bytes that were added since do not count.
        path: What it is called in messages.

    Raises:
        ContentError: it is longer than a file of an image may be.
        OSError: it cannot be read.
    """
    hasher = hashlib.sha256()
    if not may_have_holes(st):
        left = st.st_size
        while left and (data := os.read(descriptor, min(left, _CHUNK_BYTES))):
            hasher.update(data)
            left -= len(data)
        return hasher.digest()
    check_size(descriptor, st, os.fspath(path))
    for piece in pieces(descriptor, st.st_size, _CHUNK_BYTES):
        hasher.update(piece)
    return hasher.digest()


class _Memo(msgspec.Struct, array_like=True):
    """What is on disk; ``files`` are decoded when they are asked for."""

    files: msgspec.Raw
    notes: dict[str, bytes]


def _key(root: str) -> str:
    """Return the name of a root's memo: texts of the database are UTF-8, paths need not be.

    Two roots that share a memo lose what it saves, and nothing else: stat results are compared.
    """
    return os.fsencode(root).decode(errors="backslashreplace")


class FileDigests:
    """Digests of the files below one host directory, remembered between builds.

    Threads may share it.

    Args:
        root: The directory, absolute.
        table: Where ``save`` keeps the memo; None keeps it in memory only.
        memo: What ``load`` found.
    """

    def __init__(
        self, root: Path, table: MemoTable | None = None, memo: _Memo | None = None
    ) -> None:
        self._root = os.fspath(root).rstrip("/")
        self._table = table
        self._raw = memo.files if memo is not None else None
        self._notes = memo.notes if memo is not None else {}
        self._noted: set[str] = set()
        self._lock = threading.Lock()
        self._decoded: dict[str, bytes] | None = None
        self._learned = 0
        self._racy: set[str] = set()
        self._plain: dict[str, bytes] = {}

    @classmethod
    def load(cls, table: MemoTable, root: Path) -> Self:
        """Return the digests of a root directory with what earlier builds remembered."""
        blob = table.file_memo(_key(os.fspath(root)))
        memo = None
        if blob is not None and blob.startswith(_MEMO_VERSION):
            try:
                memo = _DECODER.decode(memoryview(blob)[len(_MEMO_VERSION) :])
            except msgspec.DecodeError:
                memo = None  # may be lost; it gives no wrong digests: stat results are compared
        return cls(root, table, memo)

    def digest(self, path: str, st: FileStat) -> bytes:
        """Return the sha256 of a regular file.

        Args:
            path: Below the root, with a leading ``/``.
            st: What ``lstat`` says about it now.

        Raises:
            ContentError: it is longer than a file of an image may be.
            OSError: it cannot be read, or is no regular file any more.
        """
        entry = self._files().get(path)
        if entry is not None and entry.startswith(_packed(st)):
            return entry[_FACTS.size : _ENTRY_BYTES]
        return self._read(path)

    def is_plain(self, path: str, st: FileStat) -> bool:
        """Tell whether a file is known to have no extended attributes; arguments as ``digest``."""
        entry = self._files().get(path)
        return entry is not None and len(entry) > _ENTRY_BYTES and entry.startswith(_packed(st))

    def note_plain(self, path: str, st: FileStat) -> None:
        """Remember that a file has no extended attributes.

        Args:
            path: As for ``digest``.
            st: Those that were found before the attributes were looked for.
        """
        packed = _packed(st)
        files = self._files()
        entry = files.get(path)
        if entry is None or not entry.startswith(packed):
            self._plain[path] = packed  # for when its digest is found
        elif len(entry) == _ENTRY_BYTES:
            files[path] = entry + _PLAIN
            self._learned += 1

    def note(self, path: str, seen: bytes) -> bytes | None:
        """Return the note about a directory that looks as it did when the note was made.

        Args:
            path: As for ``digest``.
            seen: A digest of names and stat results of all that is directly in it.
        """
        note = self._notes.get(path)
        if note is None or not note.startswith(seen):
            return None
        return note[_SEEN_BYTES:]

    def set_note(self, path: str, seen: bytes, note: bytes) -> None:
        """Make a note about a directory, in place of the last; arguments as ``note``."""
        self._notes[path] = seen + note
        self._noted.add(path)

    def _files(self) -> dict[str, bytes]:
        """Return the entries of files."""
        files = self._decoded
        if files is None:
            with self._lock:
                files = self._decoded
                if files is None:
                    files = self._decoded = _decoded(self._raw)
        return files

    def _read(self, path: str) -> bytes:
        """Hash a file and remember it under the stat result of the file that was really open."""
        started_ns = time.time_ns()
        descriptor, before = _open_regular(self._root + path)
        try:
            digest = descriptor_sha256(descriptor, before, self._root + path)
            after = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        found = _compared(before)
        if found == _compared(after):
            packed = _pack(*found)
            plain = _PLAIN if self._plain.pop(path, None) == packed else b""
            self._files()[path] = packed + digest + plain
            self._learned += 1
            if is_racy(max(before.st_mtime_ns, before.st_ctime_ns), started_ns):
                self._racy.add(path)  # good for one answer in one build, not to outlive it
            else:
                self._racy.discard(path)
        return digest

    def save(self) -> None:
        """Keep what was learned for the next build; nothing is written when that is nothing.

        Entries that this build did not ask for stay (another Dockerfile may), unless they are so
        many that they are the past of the directory.
        """
        if self._table is None or (self._learned == len(self._racy) and not self._noted):
            return
        files = self._raw
        if self._learned > len(self._racy) or files is None:
            files = msgspec.Raw(_encoded(self._kept_files()))
        notes = dict(self._notes)
        if len(notes) > max(_KEEP_ENTRIES, 4 * len(self._noted)):
            notes = {path: note for path, note in notes.items() if self._is_there(path)}
        memo = _Memo(files, with_text_paths(notes))
        self._table.set_file_memo(_key(self._root or "/"), _MEMO_VERSION + _encoded(memo))
        self._learned = len(self._racy)
        self._noted.clear()

    def _kept_files(self) -> dict[str, bytes]:
        known = dict(self._files())  # at once: threads may still be learning
        memo = {path: entry for path, entry in known.items() if path not in self._racy}
        if len(memo) > max(_KEEP_ENTRIES, 4 * self._learned):
            memo = {path: entry for path, entry in memo.items() if self._is_there(path)}
        return with_text_paths(memo)

    def _is_there(self, path: str) -> bool:
        try:
            return stat.S_IFMT(os.lstat(self._root + path).st_mode) in {stat.S_IFREG, stat.S_IFDIR}
        except OSError:
            return False


def is_racy(changed_ns: int, looked_ns: int) -> bool:
    """Tell whether a file may be changed once more without showing another time.

    Args:
        changed_ns: Its newest time.
        looked_ns: When it was looked at.
    """
    return changed_ns >= looked_ns - _RACY_NS


def with_text_paths(memo: dict[str, bytes]) -> dict[str, bytes]:
    """Leave out paths that are not UTF-8: text of msgpack cannot hold them."""
    if all(map(str.isascii, memo)):
        return memo
    return {path: value for path, value in memo.items() if _is_text(path)}


_compared = attrgetter("st_dev", "st_ino", "st_size", "st_mtime_ns", "st_ctime_ns")


def _packed(st: FileStat) -> bytes:
    return _pack(st.device, st.inode, st.size, st.mtime_ns, st.ctime_ns)


def _pack(device: int, inode: int, size: int, mtime_ns: int, ctime_ns: int) -> bytes:
    try:
        return _FACTS.pack(device, inode, size, mtime_ns, ctime_ns)
    except struct.error:  # a time before 1678 or after 2262
        return _FACTS.pack(device, inode, size, _wrapped(mtime_ns), _wrapped(ctime_ns))


def _wrapped(number: int) -> int:
    """Return the lower 64 bits of a number, which tell it from its neighbours."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)


def _decoded(raw: msgspec.Raw | None) -> dict[str, bytes]:
    try:
        return _FILES_DECODER.decode(raw) if raw is not None else {}
    except msgspec.DecodeError:
        return {}


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


_KEEP_ENTRIES = 50_000
_DECODER = msgspec.msgpack.Decoder(_Memo)
_FILES_DECODER = msgspec.msgpack.Decoder(dict[str, bytes])
_encoded = msgspec.msgpack.encode


def _open_regular(path: str | Path) -> tuple[int, os.stat_result]:
    """Open a regular file without following a link.

    Raises:
        OSError: it cannot be opened or is no regular file.
    """
    descriptor = os.open(path, _OPEN_FILE)
    st = os.fstat(descriptor)
    if not stat.S_ISREG(st.st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))
    return descriptor, st
