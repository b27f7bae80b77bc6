"""Archives for tests, made by the standard library, and trees as plain dictionaries."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import tarfile
from pathlib import Path

OWNER = {"uid": os.getuid(), "gid": os.getgid()}


def member(name, data=b"", **changes):
    """Return (header, data) of an entry that this process may own."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    info.mtime = 1_700_000_000
    for key, value in {**OWNER, **changes}.items():
        setattr(info, key, value)
    return info, data


def directory(name, **changes):
    return member(name, type=tarfile.DIRTYPE, **{"mode": 0o755, **changes})


def symlink(name, target, **changes):
    return member(name, type=tarfile.SYMTYPE, linkname=target, **changes)


def hard_link(name, target, **changes):
    return member(name, type=tarfile.LNKTYPE, linkname=target, **changes)


def archive(*members, form=tarfile.PAX_FORMAT, **options):
    """Return the bytes of a tar of (header, data) pairs."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=form, **options) as tar:
        for info, data in members:
            tar.addfile(info, io.BytesIO(data))
    return output.getvalue()


def facts(root, *, times=True):
    """Return all that a layer keeps of a tree: ``{path: (type and mode, owner, ...)}``."""
    root = Path(root)
    found = {}
    names = {}
    for path in sorted(root.rglob("*"), key=os.fsencode):
        info = path.lstat()
        name = os.fsencode(path.relative_to(root)).decode("utf-8", "backslashreplace")
        content = None
        if stat.S_ISREG(info.st_mode):
            content = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        elif stat.S_ISLNK(info.st_mode):
            content = path.readlink().as_posix()
        first = names.setdefault((info.st_dev, info.st_ino), name)
        found[name] = (
            oct(info.st_mode),
            info.st_uid,
            info.st_gid,
            content,
            int(info.st_mtime) if times and not stat.S_ISCHR(info.st_mode) else None,
            info.st_rdev,
            None if first == name or stat.S_ISCHR(info.st_mode) else first,
            tuple(
                (key, os.getxattr(path, key, follow_symlinks=False))
                for key in sorted(os.listxattr(path, follow_symlinks=False))
            ),
        )
    return found
