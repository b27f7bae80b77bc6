"""Command lines of docker and podman to what is known of their flags here.

In:  the path of a command as written, such as ``jettison image ls``; the name of a flag.
Out: why there is no such flag, and the way here.
"""

from __future__ import annotations

from collections.abc import Mapping

from jettison.cli.compat.refused import Reasons, images
from jettison.cli.compat.refused.build import BUILD
from jettison.cli.compat.refused.run import RUN
from jettison.cli.names import canonical

REFUSED: Mapping[str, Reasons] = {
    "": images.GLOBAL,
    "build": BUILD,
    "run": RUN,
    "images": images.IMAGES,
    "inspect": images.INSPECT,
    "pull": images.PULL,
    "push": images.PUSH,
    "save": images.SAVE,
    "rmi": images.RMI,
    "image prune": images.PRUNE,
    "builder prune": images.PRUNE,
    "system prune": images.PRUNE,
    "login": images.ACCOUNT,
    "logout": images.ACCOUNT,
    "manifest inspect": images.MANIFEST,
}
"""By the name of a command here."""


def reason_of(command: str, flag: str) -> tuple[str, str] | None:
    """Return why a command has no flag and what to do instead; None if nobody has such a flag.

    Args:
        command: Its name here, such as ``images``.
        flag: As written, such as ``--tree`` or ``-c``.
    """
    for names, why in REFUSED.get(command, {}).items():
        if flag in names.split():
            return why
    return None


def refusal(path: str, flag: str) -> tuple[str, str] | None:
    """Return the same for the path of a command: ``jettison image ls``."""
    name = canonical(path.split()[1:])
    return None if name is None else reason_of(name, flag)
