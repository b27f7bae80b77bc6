"""Names of steps, as docker shows them: ``[builder 3/5] RUN make``.

In:  a stage's label and number of steps; an instruction's text with the values in scope.
Out: names for people; nothing depends on them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from jettison.errors import UsageError
from jettison.oci.platform import Platform, normalise, parse_platform
from jettison.oci.redact import redacted

_REFERENCE = r"(?s)'[^']*'|\\.|\$(?:\{(\w+)\}|(\w+))"
_SECRET = "****"  # noqa: S105 - what is shown in place of one
_LONG = 1 << 16
"""Characters of values, after which variables stay as written."""


class StepNames:
    """Counts the steps of one stage.

    Args:
        label: Of the stage; empty for the only one.
        total: How many FROM, RUN, COPY, ADD and WORKDIR it has; FROM does not count for a stage
            that is built on another stage or on nothing.
        platform: What the stage runs on, if the build is for several.
    """

    __slots__ = ("_index", "_platform", "_prefix", "_total")

    def __init__(self, label: str, total: int, platform: Platform | None = None) -> None:
        self._prefix = f"{label} " if label else ""
        self._total = total
        self._platform = platform
        self._index = 0

    def next(
        self, text: str, values: Mapping[str, str] | None = None, *, on_build: bool = False
    ) -> str:
        """Return the name of the next step.

        Args:
            text: Of the instruction.
            values: The scope, which may say what a stage that runs here is for.
            on_build: Whether it is a trigger of the base.

        >>> names = StepNames("builder", 12)
        >>> names.next("FROM scratch"), names.next("RUN make")
        ('[builder  1/12] FROM scratch', '[builder  2/12] RUN make')
        """
        self._index += 1
        number = str(self._index).rjust(len(str(self._total)))
        trigger = "ONBUILD " if on_build else ""
        place = ""
        if self._platform is not None:
            place = f"{self._platform}{_compiled_for(self._platform, values or {})} "
        return f"[{place}{self._prefix}{number}/{self._total}] {trigger}{text}"


def _compiled_for(platform: Platform, values: Mapping[str, str]) -> str:
    """Return how the name of a step goes on that makes something for another platform.

    >>> _compiled_for(parse_platform("linux/amd64"), {"TARGETARCH": "arm", "TARGETVARIANT": "v7"})
    '->arm/v7'
    """
    try:
        if "TARGETPLATFORM" in values:
            target = parse_platform(values["TARGETPLATFORM"])
        else:
            architecture = values.get("TARGETARCH")
            own = "" if architecture else platform.variant
            target = normalise(
                values.get("TARGETOS") or platform.os,
                architecture or platform.architecture,
                values.get("TARGETVARIANT", own),
            )
    except UsageError:
        return ""
    if target.os != platform.os:
        return f"->{target}"
    if str(target) == str(platform):
        return ""
    return "->" + str(target).removeprefix(f"{target.os}/")


def shown(text: str, values: Mapping[str, str], secrets: frozenset[str] = frozenset()) -> str:
    """Return an instruction's text with the variables that have a value put in.

    Args:
        text: The instruction as written; its keyword is put in upper case.
        values: The scope.
        secrets: Variables whose values must not be seen.

    >>> shown("run echo $A ${B} '$A'", {"A": "1"})
    "RUN echo 1 ${B} '$A'"
    """
    keyword, separator, rest = text.partition(" ")
    if "$" in rest:
        left = _LONG

        def value(match: re.Match[str]) -> str:
            nonlocal left
            name = match[1] or match[2]
            if name is None:
                return match[0]
            found = _SECRET if name in secrets else values.get(name, match[0])
            left -= len(found)
            return found if left >= 0 else match[0]

        rest = re.sub(_REFERENCE, value, rest)
    return keyword.upper() + separator + redacted(rest)


def heredoc_summary(content: str) -> str:
    r"""Return the first line of a heredoc's body, with dots when there are more.

    >>> heredoc_summary("apt-get update\napt-get upgrade\n")
    'apt-get update...'
    """
    first, _, rest = content.strip().partition("\n")
    return first.rstrip("\r") + ("..." if rest.strip() else "")
