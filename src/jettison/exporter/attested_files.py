"""What is said of an image as files beside its files: ``provenance.json``, ``sbom.spdx.json``.

In:  attestations, the files that they are about.
Out: statements whose subjects are those files, by name; they in a directory.

Source: BuildKit's local exporter.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress

from jettison.errors import ExportError
from jettison.fs.tree import Tree
from jettison.fs.tree_walk import walk_tree
from jettison.image.attestation import Attestation, StatementSubject, statement

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


def attested_files(
    attestations: Sequence[Attestation], tree: Tree, prefix: str = ""
) -> dict[str, bytes]:
    """Return statements about files, by the name of the file that gets each.

    Args:
        attestations: What is said.
        tree: The files.
        prefix: What the names begin with.

    Raises:
        ExportError: the image has a file of such a name.
    """
    wanted = [each for each in attestations if not each.inline_only]
    if not wanted:
        return {}
    subjects = [
        StatementSubject(
            os.fsencode(path[1:]).decode(errors="replace"), {"sha256": _sha256(tree, path)}
        )
        for path, st in walk_tree(tree)
        if stat.S_ISREG(st.mode)
    ]
    made: dict[str, bytes] = {}
    for each in wanted:
        name = prefix + each.filename
        if name in made or tree.lstat(f"/{name}") is not None:
            raise ExportError(
                f"cannot write `{name}` beside the files of the image: it is one of them",
                hint="choose another name with `attestation-prefix=NAME` of the output",
            )
        made[name] = statement(each, subjects)
    return made


def write_files(files: Mapping[str, bytes], directory: int) -> None:
    """Write files into a directory that is open; what is there in their place goes."""
    for name, data in files.items():
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=directory)
        with open(os.open(name, _WRITE, 0o644, dir_fd=directory), "wb") as file:
            file.write(data)


def _sha256(tree: Tree, path: str) -> str:
    with open(os.open(tree.host_path(path), _READ), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
