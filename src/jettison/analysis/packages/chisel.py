"""Packages of images that Canonical's chisel cut: ``manifest.wall``, a list in zstd.

Each line is a JSON object; those of kind ``package`` name packages, those of kind ``path`` files
with the slices (``PACKAGE_SLICE``) that they belong to.

Source: chisel, ``public/manifest`` and ``public/jsonwall``.

Security: what the list unpacks to is bounded.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from jettison.analysis.packages.base import (
    MAX_LIST,
    MAX_PACKAGES,
    Details,
    PackageRecord,
    Reading,
)

NAME = "/manifest.wall"
_ZSTD = b"\x28\xb5\x2f\xfd"
_WINDOW_LOG = 24


class _Line(msgspec.Struct):
    """A line of the list; a path has no name."""

    kind: str = ""
    name: str = ""
    version: str = ""
    arch: str = ""
    path: str = ""
    slices: list[str] = []


def chisel_packages(reading: Reading, path: str) -> Iterator[PackageRecord]:
    """Yield the packages of a list."""
    data = reading.read(path, MAX_LIST)
    if not data.startswith(_ZSTD):
        return
    unpacked = _unpacked(data)
    if unpacked is None:
        reading.note(path, "damaged, or too large")
        return
    packages: dict[str, _Line] = {}
    owned: dict[str, list[str]] = {}
    decoder = msgspec.json.Decoder(_Line)
    for text in reading.lines(path, unpacked):
        try:
            line = decoder.decode(text)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            continue
        if line.kind == "package" and len(packages) < MAX_PACKAGES:
            packages[line.name] = line
        elif line.kind == "path":
            for package in {each.partition("_")[0] for each in line.slices}:
                owned.setdefault(package, []).append(line.path)
    for name, line in packages.items():
        files = reading.owned(owned.get(name, ()))
        found = reading.record(
            "deb", name, line.version, path, files, Details(architecture=line.arch)
        )
        if found is not None:
            yield found


def _unpacked(data: bytes) -> bytes | None:
    from jettison.fs.zstd import DecompressionParameter, ZstdDecompressor, ZstdError  # few have it

    decompressor = ZstdDecompressor(options={DecompressionParameter.window_log_max: _WINDOW_LOG})
    try:
        unpacked = decompressor.decompress(data, MAX_LIST)
    except ZstdError:
        return None
    return unpacked if decompressor.eof else None
