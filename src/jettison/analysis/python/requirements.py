"""What distributions require: ``Requires-Dist``, and its markers for one interpreter.

In:  text: ``requests[socks]>=2.8; python_version < "3.12"``.
Out: ``Requirement``; whether it counts somewhere.

Source: the PyPA specification "Dependency specifiers" (PEP 508).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache

import msgspec

from jettison.analysis.python.versions import parse_clauses, parse_version, satisfies

_MAX_TEXT = 4096
_MAX_DEPTH = 32
_HEAD = re.compile(
    r"\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[([^\]]*)\])?\s*(.*)", re.DOTALL
)
_TOKEN = re.compile(
    r"""\s*(?:(\()|(\))|("[^"]*"|'[^']*')|(===|~=|==|!=|<=|>=|<|>|not\s+in\b)|([A-Za-z_.]+))"""
)
_VERSIONED = {"python_version", "python_full_version", "implementation_version"}
_OLD_NAMES = {
    "os.name": "os_name",
    "sys.platform": "sys_platform",
    "platform.version": "platform_version",
    "platform.machine": "platform_machine",
    "platform.python_implementation": "platform_python_implementation",
    "python_implementation": "platform_python_implementation",
}

Test = Callable[[Mapping[str, str]], bool]


class Requirement(msgspec.Struct, frozen=True):
    """A distribution that another one needs.

    Args:
        name: Normalised.
        extras: Of it, normalised.
        clauses: (operator, version) pairs that hold of its version; empty with an URL.
        marker: When it counts; empty is always.
    """

    name: str
    extras: tuple[str, ...] = ()
    clauses: tuple[tuple[str, str], ...] = ()
    marker: str = ""

    def counts(self, environment: Mapping[str, str], extras: Iterable[str] = ()) -> bool:
        """Tell whether it counts for an interpreter, when extras of who needs it are wanted.

        A marker that is not understood counts as not met: what it asks for is not missed.
        """
        if not self.marker:
            return True
        test = _marker(self.marker)
        if test is None:
            return False
        return any(test({**environment, "extra": each}) for each in ("", *extras))

    def is_met_by(self, version: str) -> bool:
        """Tell whether an installed version will do."""
        return satisfies(version, self.clauses)


def normal_name(name: str) -> str:
    """Return the name of a distribution in the form in which names are compared.

    >>> normal_name("Flask_SQLAlchemy")
    'flask-sqlalchemy'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


@lru_cache(4096)
def parse_requirement(text: str) -> Requirement | None:
    """Return a requirement; None if it is none."""
    head, _, marker = _split_marker(text[:_MAX_TEXT])
    found = _HEAD.fullmatch(head)
    if found is None:
        return None
    name, extras, rest = found.groups()
    rest = rest.strip().removeprefix("(").removesuffix(")")
    clauses = () if rest.startswith("@") else parse_clauses(rest)
    if clauses is None:
        return None
    wanted = tuple(normal_name(each.strip()) for each in (extras or "").split(",") if each.strip())
    return Requirement(normal_name(name), wanted, clauses, marker.strip())


def _split_marker(text: str) -> tuple[str, str, str]:
    # An URL may hold a semicolon; what follows it is a marker only after a blank.
    if "@" in text.partition(";")[0]:
        found = re.search(r"\s;", text)
        at = found.end() if found else len(text)
        return text[: at - 1] if found else text, ";", text[at:]
    return text.partition(";")


def environment_of(
    version: str, *, machine: str = "x86_64", implementation: str = "cpython"
) -> dict[str, str]:
    """Return what markers are about, for a Python ``X.Y[.Z]`` on Linux."""
    names = {"cpython": "CPython", "pypy": "PyPy", "graalpy": "GraalVM"}
    full = version if version.count(".") > 1 else f"{version}.99"
    return {
        "implementation_name": implementation,
        "implementation_version": full,
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": names.get(implementation, implementation),
        "platform_release": "6.1.0",
        "platform_system": "Linux",
        "platform_version": "#1 SMP",
        "python_full_version": full,
        "python_version": ".".join(version.split(".")[:2]),
        "sys_platform": "linux",
    }


@lru_cache(4096)
def _marker(text: str) -> Test | None:
    try:
        return _Marker(text).whole()
    except ValueError:
        return None


class _Marker:
    """Reads one marker from left to right."""

    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        text = text.rstrip()
        at = 0
        while at < len(text):
            found = _TOKEN.match(text, at)
            if found is None:
                raise ValueError(text)
            self.tokens.append(" ".join(found[0].split()))
            at = found.end()
        self.tokens.reverse()
        self.depth = 0

    def whole(self) -> Test:
        test = self.any()
        if self.tokens:
            raise ValueError(self.tokens[-1])
        return test

    def any(self) -> Test:
        tests = [self.all()]
        while self.tokens and self.tokens[-1] == "or":
            self.tokens.pop()
            tests.append(self.all())
        return tests[0] if len(tests) == 1 else lambda names: any(test(names) for test in tests)

    def all(self) -> Test:
        tests = [self.one()]
        while self.tokens and self.tokens[-1] == "and":
            self.tokens.pop()
            tests.append(self.one())
        return tests[0] if len(tests) == 1 else lambda names: all(test(names) for test in tests)

    def one(self) -> Test:
        word = self.next()
        if word != "(":
            return _comparison(word, self.next(), self.next())
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise ValueError("too deep")
        test = self.any()
        if self.next() != ")":
            raise ValueError("a bracket is missing")
        return test

    def next(self) -> str:
        if not self.tokens:
            raise ValueError("something is missing")
        return self.tokens.pop()


def _comparison(left: str, operator: str, right: str) -> Test:
    name = left if left[0] not in "\"'" else right
    name = _OLD_NAMES.get(name, name)
    if name[0] in "\"'" or operator[0] not in "=~!<>in" or {left, right} & {"(", ")"}:
        raise ValueError(operator)
    is_version = name in _VERSIONED

    def test(names: Mapping[str, str]) -> bool:
        one, other = _value(left, names), _value(right, names)
        if name == "extra":
            one, other = normal_name(one), normal_name(other)
        if operator == "in":
            return one in other
        if operator == "not in":
            return one not in other
        if is_version and parse_version(other.removesuffix(".*")):
            return satisfies(one, ((operator, other),))
        return _words(one, operator, other)

    return test


def _value(token: str, names: Mapping[str, str]) -> str:
    if token[0] in "\"'":
        return token[1:-1]
    return names.get(_OLD_NAMES.get(token, token), "")


def _words(one: str, operator: str, other: str) -> bool:
    if operator in {"==", "==="}:
        return one == other
    if operator == "!=":
        return one != other
    return {"<": one < other, ">": one > other, "<=": one <= other, ">=": one >= other}.get(
        operator, False
    )
