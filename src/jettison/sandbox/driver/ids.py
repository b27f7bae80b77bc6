"""Which users containers can have: those of this process's user namespace.

In:  a ``SandboxSpec``, the id maps of this process.
Out: nothing, or an error that names the id; the kernel would only say "invalid argument".

Where one id stands for all (``has_single_id``), no id is one of the kernel's, and all can be had.
"""

from __future__ import annotations

from jettison.errors import SandboxUnavailableError
from jettison.linux.userns import has_single_id, own_map
from jettison.sandbox.spec import SandboxSpec


def check_ids(spec: SandboxSpec) -> None:
    """Refuse a process whose user or groups are not mapped here.

    Raises:
        SandboxUnavailableError: names the first that is not.
    """
    if (spec.uid, spec.gid, spec.groups) == (0, 0, (0,)) or has_single_id():
        return
    for kind, numbers in (("uid", (spec.uid,)), ("gid", (spec.gid, *spec.groups))):
        rows = own_map(kind)
        for number in numbers:
            if not any(inside <= number < inside + count for inside, _, count in rows):
                name = "user" if kind == "uid" else "group"
                last = max(inside + count - 1 for inside, _, count in rows)
                raise SandboxUnavailableError(
                    f"{name} {number} cannot be had here:"
                    f" this user namespace maps ids up to {last}",
                    hint="take a smaller id, build as root, or give your user more subordinate"
                    " IDs in /etc/subuid and /etc/subgid",
                )
