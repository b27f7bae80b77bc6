"""Programs of an image with what loading them comes to, and how much that matters.

In:  a ``Subject``.
Out: ``Load`` values, for the rules about what programs need to start.

Looked at is what the image starts, what a COPY brought, what a step of the build put on PATH.
Whether something that a COPY brought has to work here depends on whether it works where it came
from: builders have programs, and toolchains plug-ins, that work in no image.
"""

from __future__ import annotations

import contextlib

import msgspec

from jettison.analysis.elf.model import Elf
from jettison.analysis.entry.reached import How
from jettison.analysis.loader.base import Closure, Environment, Family, Verdict
from jettison.analysis.loader.closure import loader_of
from jettison.analysis.loader.system import System, system_of
from jettison.analysis.rootfs import Rootfs
from jettison.check.subject import Copied, Subject
from jettison.findings.finding import Severity
from jettison.fs.resolve import resolve

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Load(msgspec.Struct, frozen=True):
    """A program or library of an image.

    Args:
        path: Of it, without links.
        closure: What loading it comes to.
        severity: How bad it is if that fails.
        is_entry: Whether the image starts it.
        copied: The copy that brought it.
        there: What loading it comes to where that copy took it from; None if that is not here, or
            of no interest.
    """

    path: str
    closure: Closure
    severity: Severity
    is_entry: bool = False
    copied: Copied | None = None
    there: Closure | None = None

    @property
    def elf(self) -> Elf:
        """What the file says."""
        return self.closure.elf


def loads(subject: Subject) -> tuple[Load, ...]:
    """Return what of an image is looked at, what it starts first; a fact (``Subject.fact``).

    What the build only brought is among it if it does not load, or if musl loads it: that may have
    been built for glibc. Where the rest came from says nothing.
    """
    entries = {use.path for use in subject.reached.uses if use.path and use.how is not How.READ}
    certain = {use.path for use in subject.reached.uses if use.is_certain}
    found = [
        _entry(subject, path, path in certain) for path in subject.reached.paths if path in entries
    ]
    for path, elf in subject.image.programs.elves.items():
        if path not in entries and subject.is_new(path):
            found.append(_brought(subject, path, elf))
    return tuple(load for load in found if load is not None)


def failing(subject: Subject) -> tuple[Load, ...]:
    """Return those of ``loads`` that do not start; a fact (``Subject.fact``)."""
    return tuple(load for load in subject.fact(loads) if load.closure.verdict is not Verdict.STARTS)


def _entry(subject: Subject, path: str, is_certain: bool) -> Load | None:
    closure = _closure(subject, subject.image, path)
    if closure is None:
        return None
    copied = subject.copied(path)
    is_sure = is_certain and not _may_be_led(subject, path, closure)
    severity = Severity.ERROR if is_sure else Severity.WARNING
    source = None if closure.verdict is Verdict.STARTS else _source(subject, copied)
    return Load(path, closure, severity, True, copied, source)


def _may_be_led(subject: Subject, path: str, closure: Closure) -> bool:
    """Tell whether what starts a program may set LD_LIBRARY_PATH, and what is missing is there."""
    use = subject.reached.first(path)
    if use is None or use.how in {How.STARTED, How.INTERPRETER} or not closure.missing:
        return False
    names = {missing.name.rpartition("/")[2] for missing in closure.missing}
    return names <= {path.rpartition("/")[2] for path in subject.image.programs.elves}


def _brought(subject: Subject, path: str, elf: Elf) -> Load | None:
    """Return what a copy brought, or a step put on PATH; None if nothing is to be said of it."""
    if subject.image.fact(loader_of).is_sure_to_load(elf, subject.fact(environment_of)):
        return None
    closure = _closure(subject, subject.image, path)
    if closure is None:
        return None
    if closure.verdict is Verdict.STARTS and closure.family is not Family.MUSL:
        return None
    copied = subject.copied(path)
    is_on_path = elf.is_program and path.rpartition("/")[0] in subject.fact(_search_path)
    source = _source(subject, copied)
    severity = Severity.NOTE
    if copied is None:
        severity = Severity.WARNING if is_on_path else Severity.NOTE
    elif closure.verdict is Verdict.WRONG_ARCHITECTURE or source is None:
        # Where it came from says nothing.
        severity = Severity.ERROR if is_on_path else Severity.NOTE
    elif source.verdict is Verdict.STARTS:
        severity = Severity.ERROR if elf.is_program else Severity.WARNING
    return Load(path, closure, severity, False, copied, source)


def _closure(subject: Subject, root: Rootfs, path: str) -> Closure | None:
    return root.fact(loader_of).closure(path, environment_of(subject))


def _source(subject: Subject, copied: Copied | None) -> Closure | None:
    if copied is None or copied.stage < 0:
        return None
    root = subject.stage(copied.stage)
    return _closure(subject, root, copied.source) if root is not None else None


def _search_path(subject: Subject) -> set[str]:
    found = set()
    for each in subject.environment.get("PATH", _PATH).split(":"):
        with contextlib.suppress(OSError):
            found.add(resolve(subject.image.files, each))
    return found


def here(subject: Subject) -> System:
    """Return what the image is of."""
    return system_of(subject.image, subject.platform.architecture)


def there(subject: Subject, copied: Copied | None) -> System | None:
    """Return what the stage is of that a copy took something from; None if it is not here."""
    root = subject.stage(copied.stage) if copied is not None and copied.stage >= 0 else None
    return system_of(root, subject.platform.architecture) if root is not None else None


def environment_of(subject: Subject) -> Environment:
    """Return what of an image's config loaders go by."""
    return Environment(
        architecture=subject.platform.architecture,
        library_path=subject.environment.get("LD_LIBRARY_PATH", ""),
        directory=subject.config.working_dir or "/",
    )
