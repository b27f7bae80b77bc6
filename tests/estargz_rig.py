"""Layers in the form of eStargz, made after its specification, for tests."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import struct
import tarfile
from collections.abc import Mapping

DIGEST = "containerd.io/snapshot/stargz/toc.digest"
_TYPES = {
    tarfile.DIRTYPE: "dir",
    tarfile.REGTYPE: "reg",
    tarfile.SYMTYPE: "symlink",
    tarfile.LNKTYPE: "hardlink",
}


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def estargz(
    *members: tuple[tarfile.TarInfo, bytes], chunk: int = 1000, changed: Mapping[str, object] = {}
) -> tuple[bytes, bytes, dict[str, str]]:
    """Return a tar, the blob of it, and the annotations of its descriptor.

    Args:
        members: As of ``layer_archives``.
        chunk: Bytes of a chunk.
        changed: Fields of the table's entries that are to be others than they should be.
    """
    blob, tar, rows = b"", b"", []

    def add(data: bytes) -> int:
        nonlocal blob, tar
        start = len(blob)
        blob += gzip.compress(data, 1, mtime=0)
        tar += data
        return start

    for info, data in members:
        row: dict[str, object] = {
            "name": info.name,
            "type": _TYPES[info.type],
            "mode": info.mode,
            "uid": info.uid,
            "gid": info.gid,
            "linkName": info.linkname,
            "modtime": f"2023-11-14T22:13:{info.mtime % 60:02}Z",
            "xattrs": {
                key[len("SCHILY.xattr.") :]: base64.b64encode(value.encode()).decode()
                for key, value in info.pax_headers.items()
            },
        }
        add(info.tobuf(tarfile.PAX_FORMAT))
        rows.append(row)
        if info.type == tarfile.REGTYPE:
            row |= {"size": len(data), "digest": _digest(data)}
        for at in range(0, len(data), chunk):
            part = data[at : at + chunk]
            last = at + chunk >= len(data)
            start = add(part + (bytes(-len(data) % 512) if last else b""))
            where = {"offset": start, "chunkSize": len(part), "chunkDigest": _digest(part)}
            if at:
                rows.append({"name": info.name, "type": "chunk", "chunkOffset": at, **where})
            else:
                row |= where
    for row in rows:
        row |= {key: value for key, value in changed.items() if key in row}
    table = json.dumps({"version": 1, "entries": rows}).encode()
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as made:
        info = tarfile.TarInfo("stargz.index.json")
        info.size = len(table)
        made.addfile(info, io.BytesIO(table))
    start = add(sink.getvalue())
    extra = b"SG" + struct.pack("<H", 22) + b"%016xSTARGZ" % start
    blob += b"\x1f\x8b\x08\x04" + bytes(5) + b"\xff" + struct.pack("<H", len(extra)) + extra
    blob += b"\x01\x00\x00\xff\xff" + bytes(8)
    return tar, blob, {DIGEST: _digest(table)}
