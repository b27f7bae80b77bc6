"""Has opens in directories of the root file system noticed, from before the program starts.

In:  directories; what opens them.
Out: ``wire.Watching`` with a descriptor of inotify, over the control socket.

The builder reads it: what is noticed last is there still when the container has ended.

Source: inotify(7). Watches are of inodes: they hold wherever the root file system is mounted later.
"""

from __future__ import annotations

import _socket
import os
import struct
from _collections_abc import Callable

from jettison.linux import inotify
from jettison.sandbox.init import step
from jettison.sandbox.init.mount.points import at
from jettison.sandbox.wire import Watching
from jettison.sandbox.wire_codec import encode


def watch(directories: list[bytes], open_directory: Callable[[bytes], int], control: int) -> None:
    """Watch directories, and give the descriptor to the builder.

    Args:
        directories: Paths in the root file system; none at all is nothing to do.
        open_directory: Returns a descriptor (``O_PATH``) of one.
        control: Descriptor of the control socket.

    Raises:
        OSError: the builder is gone.
    """
    if not directories:
        return
    step.enter("watch directories")
    try:
        descriptor = inotify.create()
    except OSError:  # the user has as many as may be
        os.write(control, encode(Watching(watches=[])))
        return
    watches = [_watch(descriptor, path, open_directory) for path in directories]
    rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack("=i", descriptor))
    socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET, 0, control)
    try:
        socket.sendmsg([encode(Watching(watches=watches))], [rights])
    finally:
        socket.detach()
        os.close(descriptor)


def _watch(descriptor: int, path: bytes, open_directory: Callable[[bytes], int]) -> int:
    try:
        place = open_directory(path)
        try:
            return inotify.watch_opens(descriptor, at(place))
        finally:
            os.close(place)
    except OSError:
        return -1
