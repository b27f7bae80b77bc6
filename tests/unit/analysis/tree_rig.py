"""Root file systems of a few files, for tests of what is read from them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from jettison.analysis.files import Files, list_files
from jettison.fs.ownership import process_ownership
from jettison.snapshot.stack import StackTree

ELF = b"\x7fELF\x02\x01\x01" + bytes(57)


def files_of(
    root: Path, contents: Mapping[str, bytes | str], modes: Mapping[str, int] | None = None
) -> Files:
    """Write files and list them; text beginning with ``->`` is the target of a link."""
    for path, content in contents.items():
        file = root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str) and content.startswith("->"):
            file.symlink_to(content[2:])
        elif isinstance(content, str):
            file.write_text(content)
        else:
            file.write_bytes(content)
    for path, mode in (modes or {}).items():
        os.chmod(root / path.lstrip("/"), mode)
    return list_files(StackTree([root], process_ownership()))
