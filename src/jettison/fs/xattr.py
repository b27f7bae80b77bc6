"""Extended attributes that belong to images, read and written without following links.

In:  paths or open file descriptors of the host.
Out: ``{name: value}`` of image attributes.

``security.capability`` and ``user.*`` belong to images. SELinux labels are of the host;
``trusted.*``, ``user.overlay.*`` and ``user.fuseoverlayfs.*`` are attributes of those who stack
layers, whose meaning (opaque directories) is carried otherwise, and ``user.jettison.*`` are notes
of ``fs.ownership``.

Source: OCI image-spec 1.1, layer.md, "Extended attributes"; kernel Documentation/filesystems/
overlayfs.rst.
"""

from __future__ import annotations

import errno
import os

TRUSTED_PREFIX = "trusted.overlay."
USER_PREFIX = "user.overlay."
FUSE_PREFIX = "user.fuseoverlayfs."
_OWN = (USER_PREFIX, FUSE_PREFIX, "user.jettison.")
_UNSUPPORTED = frozenset({errno.EOPNOTSUPP, errno.ENODATA})


def is_image_xattr(name: str) -> bool:
    """Tell whether an attribute is content of an image."""
    if name.startswith("user."):
        return not name.startswith(_OWN)
    return name == "security.capability"


def read_xattrs(path: str | int) -> dict[str, bytes]:
    """Return the image attributes of a file, sorted by name; empty where there are none.

    Args:
        path: A path, of which a final symbolic link is not followed, or a file descriptor.

    Raises:
        OSError: the file is not there or cannot be read.
    """
    follow = isinstance(path, int)
    try:
        names = os.listxattr(path, follow_symlinks=follow)
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            return {}
        raise
    if not names:
        return {}
    found = {}
    for name in sorted(names):
        if is_image_xattr(name):
            value = get_xattr(path, name)
            if value is not None:
                found[name] = value
    return found


def get_xattr(path: str | bytes | int, name: str) -> bytes | None:
    """Return one attribute of a file, or None when it has none of that name."""
    try:
        return os.getxattr(path, name, follow_symlinks=isinstance(path, int))
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            return None
        raise


def set_xattr(path: str | bytes | int, name: str, value: bytes) -> None:
    """Set an attribute of a file.

    Raises:
        OSError: the file system or the file's type has no such attributes, or no permission.
    """
    os.setxattr(path, name, value, follow_symlinks=isinstance(path, int))


def remove_xattr(path: str | int, name: str) -> None:
    """Remove an attribute of a file; it need not be there."""
    try:
        os.removexattr(path, name, follow_symlinks=isinstance(path, int))
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
