"""Finds secrets that a RUN has written into its layer.

In:  the directory of a layer that is not committed yet, values of secrets by id.
Out: the first place that holds one, in words.

Looked at are contents and names of files, link targets and extended attributes, for values in any
form (see ``solver.encodings``), also wrapped. What is compressed or encrypted is not seen. Values
shorter than six bytes are not looked for, since they would be found by chance, nor are lines of
a value: files with settings that hold a secret have lines that do not.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from io import FileIO
from pathlib import Path

import msgspec

from jettison.errors import SecretInLayerError
from jettison.fs.walk import walk
from jettison.fs.xattr import read_xattrs
from jettison.solver.encodings import LONGEST, Needle, forms, is_wrapped
from jettison.solver.matching import Matcher

_SHORTEST = 6
_CHUNK = 256 << 10


class Leak(msgspec.Struct, frozen=True):
    """A secret in a layer: whose id, in which path, in what form."""

    secret: str
    path: str
    form: str


class Finder:
    """Looks for secrets.

    Args:
        secrets: Values by id.
    """

    def __init__(self, secrets: Mapping[str, bytes]) -> None:
        sought: dict[Needle, tuple[str, str]] = {}
        for name, value in secrets.items():
            if len(value.strip()) >= _SHORTEST:
                for text, form in forms(value).items():
                    # Who wrote all of a value wrote its beginning.
                    sought[Needle(text[:LONGEST], is_wrapped(form))] = (name, form)
        self._needles = tuple(sought.values())
        self._matcher = Matcher(tuple(sought), whole=True)

    def find(self, layer: Path) -> Leak | None:
        """Return the first secret in a layer's directory, or None.

        Raises:
            OSError: a file cannot be read.
        """
        if not self._needles:
            return None
        for path, st in walk(layer):
            place = os.fspath(layer / path)
            found = self._in_bytes(os.fsencode(path))
            if found is None and stat.S_ISREG(st.st_mode):
                found = self._in_file(place)
            elif found is None and stat.S_ISLNK(st.st_mode):
                found = self._in_bytes(os.fsencode(os.readlink(place)))
            found = found or self._in_attributes(place)
            if found is not None:
                return Leak(found[0], f"/{path}", found[1])
        return None

    def _in_bytes(self, data: bytes) -> tuple[str, str] | None:
        hit = next(self._matcher.hits(data), None)
        return None if hit is None else self._needles[hit[2]]

    def _in_file(self, path: str) -> tuple[str, str] | None:
        with open(path, "rb", buffering=0) as file:
            rest = b""
            for chunk in _data(file):
                data = rest + chunk
                found = self._in_bytes(data)
                if found is not None:
                    return found
                rest = data[-self._matcher.overlap :]
        return None

    def _in_attributes(self, path: str) -> tuple[str, str] | None:
        attributes = read_xattrs(path).items()
        found = (self._in_bytes(name.encode() + b"\0" + value) for name, value in attributes)
        return next((each for each in found if each is not None), None)


def _data(file: FileIO) -> Iterator[bytes]:
    """Yield the bytes of a file in chunks; holes, which may be huge, are left out."""
    position, size = 0, os.fstat(file.fileno()).st_size
    while position < size:
        try:
            begin = os.lseek(file.fileno(), position, os.SEEK_DATA)
            position = os.lseek(file.fileno(), begin, os.SEEK_HOLE)
        except OSError as error:
            if error.errno == errno.ENXIO:  # only a hole is left
                return
            raise
        file.seek(begin)
        while begin < position and (chunk := file.read(min(_CHUNK, position - begin))):
            yield chunk
            begin += len(chunk)


def refuse_leaks(layer: Path, secrets: Mapping[str, bytes]) -> None:
    """Make sure that a layer holds no secret.

    Raises:
        SecretInLayerError: it does; the message names the secret's id and the path.
        OSError: a file cannot be read.
    """
    leak = Finder(secrets).find(layer)
    if leak is not None:
        path = leak.path.encode(errors="replace").decode(errors="replace")
        raise SecretInLayerError(
            f"the step wrote the secret `{leak.secret}` into the image: `{path}` holds it"
            f" ({leak.form})",
            hint="remove it in the same RUN, or mount a tmpfs there; `--allow-secret-in-layer` lets"
            " it pass",
        )
