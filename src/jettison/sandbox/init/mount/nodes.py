"""The device nodes of a container: private ones, each bound to its name.

In:  an empty directory of a tmpfs that is mounted without ``nodev`` and that no container sees.
Out: devices at names of a ``/dev`` whose own mount is ``nodev``.

A node is made for each container, so that a change of its mode or owner reaches no other, and none
of the host. Where the kernel refuses that (user namespaces), the host's nodes are bound read-only:
devices can be written all the same, but their inodes not be changed.

Source: OCI runtime-spec 1.1, config-linux.md "Default Devices"; mknod(2); mount(2), MS_RDONLY.
"""

from __future__ import annotations

import os
import stat

from jettison.linux.mount import bind, make_readonly

DEVICES = (
    (b"null", 1, 3),
    (b"zero", 1, 5),
    (b"full", 1, 7),
    (b"random", 1, 8),
    (b"urandom", 1, 9),
    (b"tty", 5, 0),
)
_KINDS = frozenset({stat.S_IFCHR, stat.S_IFBLK})
_ELSEWHERE = frozenset({b"pts", b"shm", b"mqueue", b"console", b"fd"})


def make_nodes(place: int) -> bool:
    """Make the usual devices in a directory; return False where the kernel refuses."""
    for name, major, minor in DEVICES:
        try:
            os.mknod(name, 0o666 | stat.S_IFCHR, os.makedev(major, minor), dir_fd=place)
        except PermissionError:
            return False
    return True


class Nodes:
    """The usual devices.

    Args:
        place: The empty directory.
    """

    def __init__(self, place: bytes) -> None:
        self._place = place
        self._count = 0
        directory = os.open(place, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        made = make_nodes(directory)
        os.close(directory)
        for name, _, _ in () if made else DEVICES:
            inside = b"%s/%s" % (place, name)
            touch(inside, 0o666)
            bind(b"/dev/" + name, inside, recursive=False)
            make_readonly(inside, recursive=False)  # and so is what is bound from here

    def show(self, name: bytes, target: bytes) -> None:
        """Bind a device over a file."""
        bind(self.path(name), target, recursive=False)

    def path(self, name: bytes) -> bytes:
        """Return where a device is while the container is put together."""
        return b"%s/%s" % (self._place, name)

    def show_all(self, dev: bytes, taken: frozenset[bytes]) -> None:
        """Bind every device over the file of its name.

        Args:
            dev: A container's ``/dev``.
            taken: Names with other mounts; ``/dev`` is all of it.
        """
        for name, _, _ in DEVICES:
            target = b"%s/%s" % (dev, name)
            if name not in taken and (b"/dev" not in taken or _is_file(target)):
                self.show(name, target)

    def copy(self, source: bytes) -> bytes:
        """Return the path of a node that stands for a device of the host."""
        self._count += 1
        inside = b"%s/device-%d" % (self._place, self._count)
        copy_node(source, os.stat(source), inside)
        return inside


def _is_file(path: bytes) -> bool:
    """Tell whether something can be bound over a name of a directory of the host."""
    try:
        return stat.S_IFMT(os.lstat(path).st_mode) in {stat.S_IFREG, stat.S_IFCHR}
    except FileNotFoundError:
        return False


def show_host_devices(dev: bytes) -> None:
    """Make every device of the host that a privileged container lacks, or bind it.

    Args:
        dev: The container's ``/dev``, mounted without ``nodev``.
    """
    for top, directories, names in os.walk(b"/dev"):
        directories[:] = [name for name in directories if name not in _ELSEWHERE]
        inside = os.path.relpath(top, b"/dev")
        for name in names:
            path = os.path.join(top, name)
            found = os.lstat(path)
            if name in _ELSEWHERE or stat.S_IFMT(found.st_mode) not in _KINDS:
                continue
            shown = os.path.normpath(os.path.join(dev, inside, name))
            try:
                os.makedirs(os.path.dirname(shown), exist_ok=True)
                copy_node(path, found, shown)
            except OSError:
                continue  # there already, or not for this user


def copy_node(path: bytes, found: os.stat_result, shown: bytes) -> None:
    """Make a node for a device of the host; bind that where the kernel refuses."""
    try:
        os.mknod(shown, found.st_mode, found.st_rdev)
    except PermissionError:
        touch(shown, 0o600)
        bind(path, shown, recursive=False)
        make_readonly(shown, recursive=False)
    else:
        os.chown(shown, found.st_uid, found.st_gid)


def touch(path: bytes, mode: int, parent: int | None = None) -> None:
    """Make an empty file; a relative path may begin at a directory that is open."""
    os.mknod(path, mode | stat.S_IFREG, dir_fd=parent)
