"""Profiles of system calls in docker's JSON, for containers that are given one.

In:  the bytes of a profile; the capabilities of a container.
Out: a ``SeccompProfile``: what holds for that container, as rules of BPF or of an OCI runtime.

What cannot be honoured is an error: a listener, flags of seccomp(2), the refusal of a call that is
not known here. Calls that are allowed and not known stay refused.

Source: docker's documentation of seccomp profiles; OCI runtime-spec 1.0.2, config-linux.md;
seccomp(2).
"""

from __future__ import annotations

import enum
import errno
from collections.abc import Iterable

import msgspec

from jettison.errors import UsageError
from jettison.linux.syscall_numbers import numbers, of_other_processors

_ARCHITECTURES = {
    "x86_64": ("amd64", "SCMP_ARCH_X86_64", "SCMP_ARCH_X86"),
    "aarch64": ("arm64", "SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"),
}
_ACTIONS = {
    "SCMP_ACT_KILL": 0x00000000,
    "SCMP_ACT_KILL_THREAD": 0x00000000,
    "SCMP_ACT_KILL_PROCESS": 0x80000000,
    "SCMP_ACT_TRAP": 0x00030000,
    "SCMP_ACT_ERRNO": 0x00050000,
    "SCMP_ACT_TRACE": 0x7FF00000,
    "SCMP_ACT_LOG": 0x7FFC0000,
    "SCMP_ACT_ALLOW": 0x7FFF0000,
}
_WITH_NUMBER = frozenset({"SCMP_ACT_ERRNO", "SCMP_ACT_TRACE"})
_PERMISSIVE = frozenset({"SCMP_ACT_ALLOW", "SCMP_ACT_LOG"})
_MOST_ARGUMENTS = 6
_WORD = 1 << 64


class Comparison(enum.Enum):
    """How an argument is compared."""

    NE = "SCMP_CMP_NE"
    LT = "SCMP_CMP_LT"
    LE = "SCMP_CMP_LE"
    EQ = "SCMP_CMP_EQ"
    GE = "SCMP_CMP_GE"
    GT = "SCMP_CMP_GT"
    MASKED_EQ = "SCMP_CMP_MASKED_EQ"


class Condition(msgspec.Struct, frozen=True):
    """An argument of a call compared with a value; ``other`` is what a masked one equals."""

    index: int
    value: int
    other: int
    comparison: Comparison


class Rule(msgspec.Struct, frozen=True):
    """What happens to calls whose arguments fulfil all conditions.

    Args:
        names: Of the calls.
        action: As the profile names it.
        code: The errno, or the tracer's number; None is EPERM.
        conditions: Empty for any arguments.
    """

    names: tuple[str, ...]
    action: str
    code: int | None
    conditions: tuple[Condition, ...] = ()

    @property
    def answer(self) -> int:
        """What a filter returns."""
        return answer_of(self.action, self.code)


class SeccompProfile(msgspec.Struct, frozen=True):
    """The rules that hold for one container.

    Args:
        default: What happens to other calls.
        code: As ``Rule.code``.
        rules: Of which the first that fits a call holds, conditional ones first.
        compat: 32-bit programs of this processor are covered; else they can make no call.
    """

    default: str
    code: int | None
    rules: tuple[Rule, ...]
    compat: bool

    @property
    def answer(self) -> int:
        """What a filter returns for other calls."""
        return answer_of(self.default, self.code)


UNCONFINED = SeccompProfile("SCMP_ACT_ALLOW", None, (), compat=True)
"""Allows all calls, where a filter is needed for something else."""


def answer_of(action: str, code: int | None) -> int:
    """Return what a filter returns for an action."""
    number = (errno.EPERM if code is None else code) if action in _WITH_NUMBER else 0
    return _ACTIONS[action] | number & 0xFFFF


class _When(msgspec.Struct, rename="camel"):
    caps: tuple[str, ...] | None = None
    arches: tuple[str, ...] | None = None
    min_kernel: str = ""


class _Argument(msgspec.Struct, rename="camel"):
    index: int
    op: Comparison
    value: int
    value_two: int = 0


class _Call(msgspec.Struct, rename="camel"):
    action: str
    name: str = ""
    names: tuple[str, ...] | None = None
    errno_ret: int | None = None
    args: tuple[_Argument, ...] | None = None
    includes: _When | None = None
    excludes: _When | None = None


class _Family(msgspec.Struct, rename="camel"):
    architecture: str
    sub_architectures: tuple[str, ...] | None = None


class _Document(msgspec.Struct, rename="camel"):
    default_action: str
    default_errno_ret: int | None = None
    architectures: tuple[str, ...] | None = None
    arch_map: tuple[_Family, ...] | None = None
    syscalls: tuple[_Call, ...] | None = None
    flags: tuple[str, ...] | None = None
    listener_path: str = ""


def parse_profile(
    text: str, capabilities: Iterable[str], machine: str, kernel: tuple[int, int]
) -> SeccompProfile:
    """Return what a profile means for a container.

    Args:
        text: Its JSON.
        capabilities: Of the container: some calls depend on them.
        machine: As of uname(2).
        kernel: Version of Linux.

    Raises:
        UsageError: it is none, or cannot be honoured; says what it has.
    """
    try:
        document = msgspec.json.decode(text, type=_Document)
    except (msgspec.DecodeError, RecursionError) as error:
        raise UsageError(f"seccomp profile: {error}", hint="write docker's JSON") from None
    if machine not in _ARCHITECTURES:
        raise _unmet(f"system calls of `{machine}` are not known here")
    if document.listener_path or document.flags:
        raise _unmet("there are no listeners and no flags of filters")
    known = set(capabilities)
    rules = [
        _rule(call, document.default_action)
        for call in document.syscalls or ()
        if _holds(call, known, machine, kernel)
    ]
    _require_action(document.default_action)
    return SeccompProfile(
        document.default_action,
        document.default_errno_ret,
        tuple(rules),
        _covers_compat(document, machine),
    )


def _holds(call: _Call, capabilities: set[str], machine: str, kernel: tuple[int, int]) -> bool:
    """Tell whether a rule is for a container of this kind."""
    arch = _ARCHITECTURES[machine][0]
    without, only = call.excludes or _When(), call.includes or _When()
    if arch in (without.arches or ()) or capabilities.intersection(without.caps or ()):
        return False
    if without.min_kernel and kernel >= _version(without.min_kernel):
        return False
    if only.arches and arch not in only.arches:
        return False
    if only.min_kernel and kernel < _version(only.min_kernel):
        return False
    return capabilities.issuperset(only.caps or ())


def _version(text: str) -> tuple[int, int]:
    major, dot, minor = text.partition(".")
    if not (dot and major.isdecimal() and minor.isdecimal() and len(text) < 10):
        raise UsageError(f"seccomp profile: `{text}` is no version of a kernel", hint="write 4.8")
    return int(major), int(minor)


def _rule(call: _Call, default: str) -> Rule:
    names = (call.name,) if call.name else call.names or ()
    if call.name and call.names:
        raise UsageError("seccomp profile: a rule has `name` and `names`", hint="write `names`")
    _require_action(call.action)
    if default in _PERMISSIVE and call.action not in _PERMISSIVE:
        lost = [each for each in names if each not in numbers().keys() | of_other_processors()]
        if lost:
            raise _unmet(f"the call `{lost[0]}`, which it refuses, is not known here")
    conditions = []
    for each in call.args or ():
        in_range = 0 <= each.value < _WORD and 0 <= each.value_two < _WORD
        if not (0 <= each.index < _MOST_ARGUMENTS and in_range):
            raise UsageError(f"seccomp profile: `{names[:1]}` has an argument out of range")
        conditions.append(Condition(each.index, each.value, each.value_two, each.op))
    return Rule(tuple(names), call.action, call.errno_ret, tuple(conditions))


def _require_action(action: str) -> None:
    if action == "SCMP_ACT_NOTIFY":
        raise _unmet("there are no listeners")
    if action not in _ACTIONS:
        raise UsageError(
            f"seccomp profile: the action `{action}` is not known",
            hint=f"write one of {', '.join(_ACTIONS)}",
        )


def _covers_compat(document: _Document, machine: str) -> bool:
    _, native, compat = _ARCHITECTURES[machine]
    if document.architectures and document.arch_map:
        raise UsageError("seccomp profile: it has `architectures` and `archMap`")
    families = document.arch_map or ()
    related = {each.architecture: each.sub_architectures or () for each in families}
    return compat in (document.architectures or ()) or compat in related.get(native, ())


def _unmet(why: str) -> UsageError:
    return UsageError(
        f"the seccomp profile cannot be honoured: {why}", hint="change the profile, or leave it out"
    )


def oci_profile(profile: SeccompProfile, machine: str) -> dict[str, object]:
    """Return ``linux.seccomp`` of an OCI runtime-spec config."""
    _, native, compat = _ARCHITECTURES[machine]
    calls = []
    for rule in profile.rules:
        call: dict[str, object] = {"names": list(rule.names), "action": rule.action}
        if rule.code is not None:
            call["errnoRet"] = rule.code
        if rule.conditions:
            call["args"] = [
                {
                    "index": each.index,
                    "value": each.value,
                    "valueTwo": each.other,
                    "op": each.comparison.value,
                }
                for each in rule.conditions
            ]
        calls.append(call)
    found: dict[str, object] = {
        "defaultAction": profile.default,
        "architectures": [native, *([compat] if profile.compat else [])],
        "syscalls": calls,
    }
    return found if profile.code is None else found | {"defaultErrnoRet": profile.code}
