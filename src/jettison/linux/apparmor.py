"""AppArmor: which profile confines a container; ``linux.process`` asks for it.

In:  what the user wants; ``/sys/module/apparmor``, ``/sys/kernel/security/apparmor``.
Out: the name of a profile, or nothing.

Source: the kernel's Documentation/admin-guide/LSM/apparmor.rst.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from jettison.errors import HostError, UsageError

UNCONFINED = "unconfined"
_ENABLED = Path("/sys/module/apparmor/parameters/enabled")
_PROFILES = Path("/sys/kernel/security/apparmor/profiles")
_DEFAULTS = ("docker-default", "containers-default-")
"""Profiles that docker and podman load for containers; the latter's ends with a version."""


def is_enabled(path: Path = _ENABLED) -> bool:
    """Return whether the kernel enforces profiles."""
    try:
        with path.open("rb", buffering=0) as file:
            return file.read(1) == b"Y"
    except OSError:
        return False


def loaded_profiles(path: Path = _PROFILES) -> frozenset[str] | None:
    """Return the names of the loaded profiles; None where this process may not know."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    return frozenset(line.rpartition(" (")[0] for line in lines)


def default_profile(loaded: Collection[str] | None) -> str:
    """Return the profile for containers that ask for none, empty where none is loaded."""
    for prefix in _DEFAULTS:
        exact = not prefix.endswith("-")
        fitting = [n for n in loaded or () if n == prefix or (not exact and n.startswith(prefix))]
        if fitting:
            return max(fitting)
    return ""


def choose_profile(
    wanted: str | None, *, enabled: bool, loaded: Collection[str] | None, rootless: bool = False
) -> str:
    """Return the profile of a container, empty for none.

    Args:
        wanted: A name, ``unconfined``, or None for the default.
        enabled: The kernel enforces profiles.
        loaded: Names of profiles; None where they are not known.
        rootless: In a user namespace: the default is for containers of root.

    Raises:
        HostError: the kernel enforces none.
        UsageError: the profile is not loaded, or its name is none.
    """
    if wanted is None:
        return default_profile(loaded) if enabled and not rootless else ""
    if wanted == UNCONFINED:
        return ""
    if not wanted or "\0" in wanted or "\n" in wanted:
        raise UsageError(f"invalid AppArmor profile `{wanted}`")
    if not enabled:
        raise HostError(
            f"AppArmor profile `{wanted}`: this host does not use AppArmor",
            hint="Leave out `--security-opt apparmor=…`.",
        )
    if loaded is not None and wanted not in loaded:
        raise UsageError(
            f"AppArmor profile `{wanted}` is not loaded",
            hint="Load it as root: `apparmor_parser -r FILE`.",
        )
    return wanted


def profile_here(wanted: str | None, *, rootless: bool) -> str:
    """Return the profile of a container on this host; see ``choose_profile``."""
    enabled = is_enabled()
    loaded = loaded_profiles() if enabled else None
    return choose_profile(wanted, enabled=enabled, loaded=loaded, rootless=rootless)
