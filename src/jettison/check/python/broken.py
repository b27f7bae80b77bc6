"""Virtual environments of an image that do not work, and whether it starts them.

In:  a ``Subject``.
Out: ``BrokenVenv``.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from jettison.analysis.entry.reached import How, Use
from jettison.analysis.python.lookup import lookup
from jettison.analysis.python.venvs import Venv, stale_scripts
from jettison.check.python.lost import Why, all_venvs, lost_modules
from jettison.check.python.starts import python_starts
from jettison.check.subject import Subject


class BrokenVenv(msgspec.Struct, frozen=True):
    """A virtual environment that does not work.

    Args:
        venv: It.
        dangling: The interpreter that is not there; empty if it is.
        stale: Scripts to the interpreters that they name and that are not there.
        use: What the image starts there; None if nothing.
        is_sure: Whether the image fails.
    """

    venv: Venv
    dangling: str = ""
    stale: dict[str, str] = {}
    use: Use | None = None
    is_sure: bool = False

    @property
    def config(self) -> str:
        """Path of its configuration."""
        return f"{self.venv.path}/pyvenv.cfg"


def broken_venvs(subject: Subject) -> tuple[BrokenVenv, ...]:
    """Return the virtual environments that this build put into an image and that are broken."""
    return tuple(_broken(subject))


def _broken(subject: Subject) -> Iterator[BrokenVenv]:
    look = subject.image.fact(lookup)
    for one in subject.image.fact(all_venvs):
        if not subject.is_new(f"{one.path}/pyvenv.cfg"):
            continue
        use = _started(subject, one)
        if one.dangling:
            if use is None and _is_searched(subject, one):
                continue  # its packages are used with another Python
            is_missed = any(
                lost.why is Why.VENV and lost.directory == one.site and lost.start.is_sure
                for lost in subject.fact(lost_modules)
            )
            is_sure = use is not None and (use.problem is None or use.is_certain)
            yield BrokenVenv(one, one.dangling, {}, use, is_missed or is_sure)
            continue
        stale = {
            path: named for path, named in stale_scripts(look, one).items() if subject.is_new(path)
        }
        if stale:
            wanted = next((each for each in subject.reached.uses if _names(each) in stale), None)
            if wanted is None and use is not None and _names(use) in stale:
                wanted = use
            yield BrokenVenv(one, "", stale, wanted, wanted is not None and wanted.is_certain)


def _is_searched(subject: Subject, one: Venv) -> bool:
    starts = subject.fact(python_starts)
    return any(one.site and one.site in each.start.path.entries for each in starts)


def _names(use: Use) -> str:
    return use.via or use.path or use.name


def _started(subject: Subject, one: Venv) -> Use | None:
    """Return what of an environment the image starts, or would if it worked."""
    inside = f"{one.path}/bin/"
    path = subject.environment.get("PATH", "").split(":")
    for use in subject.reached.uses:
        if use.how is How.READ:
            continue
        if any(each.startswith(inside) for each in (use.name, use.via, use.path, use.link)):
            return use
        if "/" in use.name or inside[:-1] not in path:
            continue
        # A link that leads nowhere is passed over: something behind it on PATH is started.
        before = path[: path.index(inside[:-1])]
        found_before = any(use.via == f"{each}/{use.name}" for each in before)
        if inside + use.name in subject.image.files.entries and not found_before:
            return use
    return None
