"""The distributions that a Python program uses: those it imports from, and what they require.

In:  a ``Subject``, a Python that it starts.
Out: ``Used``; each with what it requires here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from jettison.analysis.python.distributions import Distribution, distributions, owners
from jettison.analysis.python.lookup import lookup
from jettison.analysis.python.requirements import Requirement, environment_of, parse_requirement
from jettison.check.python.starts import PythonStart
from jettison.check.subject import Subject

_MAX_WALKED = 5000


class Used(msgspec.Struct, frozen=True):
    """A distribution that is used.

    Args:
        distribution: It.
        requires: What counts for the interpreter, and for the extras that are asked for.
    """

    distribution: Distribution
    requires: tuple[Requirement, ...]


class Distributions:
    """What one Python of an image has.

    Args:
        subject: The image.
        start: That Python.
    """

    def __init__(self, subject: Subject, start: PythonStart) -> None:
        look = subject.image.fact(lookup)
        interpreter = start.start.interpreter
        self.known = distributions(look, start.start.path.site)
        self.owners = owners(look, self.known.values())
        self.imported = {name.partition(".")[0] for name in start.closure.installed}
        self._environment = environment_of(
            interpreter.version,
            machine=interpreter.machine or "x86_64",
            implementation=interpreter.implementation,
        )

    def used(self) -> Iterator[Used]:
        """Yield the distributions that are imported from, and on through what they require.

        One that is asked for with several extras comes several times.
        """
        tops = sorted(self.imported & self.owners.keys(), reverse=True)
        pending: list[tuple[str, tuple[str, ...]]] = [(self.owners[top].name, ()) for top in tops]
        yield from _walk(self.known, pending, self._environment)


def _walk(
    known: Mapping[str, Distribution],
    pending: list[tuple[str, tuple[str, ...]]],
    environment: Mapping[str, str],
) -> Iterator[Used]:
    seen: set[tuple[str, tuple[str, ...]]] = set()
    while pending and len(seen) < _MAX_WALKED:
        name, extras = step = pending.pop()
        one = known.get(name)
        if step in seen or one is None:
            continue
        seen.add(step)
        requires = tuple(
            found
            for line in one.requires
            if (found := parse_requirement(line)) is not None and found.counts(environment, extras)
        )
        yield Used(one, requires)
        pending += [(each.name, each.extras) for each in requires]
