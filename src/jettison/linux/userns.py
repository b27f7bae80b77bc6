"""User namespaces."""

from __future__ import annotations


def in_user_namespace() -> bool:
    """Return whether this process is in a user namespace that is not the host's first."""
    with open("/proc/self/uid_map", encoding="ascii") as file:
        return file.read().split() != ["0", "0", "4294967295"]
