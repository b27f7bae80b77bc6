"""Licences of Debian packages, from their machine-readable copyright files.

Source: Debian's copyright format 1.0: the short names of the paragraphs about files. A file in any
other form says nothing that can be relied on.
"""

from __future__ import annotations

from jettison.analysis.packages.base import Reading, fields, text

_MAX_BYTES = 512 << 10
_MAX_LICENCES = 50
_FORMAT = "copyright-format/1"


def debian_licences(reading: Reading, name: str) -> tuple[str, ...]:
    """Return the licences of the files of a package, each once, in the order of the file.

    Args:
        reading: Of the tree.
        name: Of the package.
    """
    path = f"/usr/share/doc/{name}/copyright"
    if "/" in name or reading.files.find(path) is None:
        return ()
    data = reading.read(path, _MAX_BYTES)
    if _FORMAT not in text(data[:1000]):
        return ()
    found: dict[str, None] = {}
    for paragraph in reading.paragraphs(path, data):
        known = fields(paragraph)
        if "Files" in known and known.get("License", "").isprintable():
            found.setdefault(known.get("License", ""))
    return tuple(each for each in found if each)[:_MAX_LICENCES]
