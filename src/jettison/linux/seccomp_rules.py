"""The BPF of a profile of system calls, for one processor.

In:  a ``SeccompProfile``, a column of the tables of numbers.
Out: instructions that return for every call.

Calls whose answer depends on nothing are tested by ranges of their numbers; the others come first.

Source: seccomp(2); linux/filter.h.
"""

from __future__ import annotations

from collections.abc import Iterator

from jettison.errors import UsageError
from jettison.linux.bpf import (
    AND,
    ARGUMENT,
    EQUAL,
    GREATER_EQUAL,
    LOAD,
    NUMBER,
    RETURN,
    UNKNOWN,
    X32,
    op,
)
from jettison.linux.seccomp_profile import Comparison, Condition, Rule, SeccompProfile
from jettison.linux.syscall_numbers import numbers

_GREATER = 0x25
_HALF = 32
_LOW = (1 << _HALF) - 1
_MOST_JUMP = 255
_MOST_INSTRUCTIONS = 4096 >> 1
"""Of one processor: a filter has two."""

_NEXT, _FAIL, _HOLD = 0, -1, -2
"""Where a jump goes: on, behind the rule, behind the condition."""

Instruction = tuple[int, int, int, int]


def profile_section(profile: SeccompProfile, column: int) -> list[bytes]:
    """Return the instructions for one processor; they end by returning.

    Raises:
        UsageError: there are more than a filter may have.
    """
    code = [op(LOAD, NUMBER)]
    if column == 0:
        code += [op(GREATER_EQUAL, X32, 0, 1), op(RETURN, UNKNOWN)]
    plain: dict[int, int] = {}
    for name, rules in _by_call(profile).items():
        number = numbers()[name][column] if name in numbers() else -1
        if number < 0:
            continue
        always = next((rule.answer for rule in rules if not rule.conditions), None)
        conditional = [rule for rule in rules if rule.conditions]
        if conditional and always is None:
            code += _conditional(number, conditional, profile.answer)
        else:
            # As with libseccomp, a rule for any arguments takes the place of those for some.
            plain[number] = profile.answer if always is None else always
    for first, last, answer in _ranges(plain):
        if answer != profile.answer:
            code += [op(GREATER_EQUAL, first, 0, 2), op(GREATER_EQUAL, last + 1, 1, 0)]
            code.append(op(RETURN, answer))
    code.append(op(RETURN, profile.answer))
    if len(code) > _MOST_INSTRUCTIONS:
        raise UsageError(
            "the seccomp profile cannot be honoured: it has more rules than a filter may have",
            hint="write fewer",
        )
    return code


def _by_call(profile: SeccompProfile) -> dict[str, list[Rule]]:
    found: dict[str, list[Rule]] = {}
    for rule in profile.rules:
        for name in rule.names:
            found.setdefault(name, []).append(rule)
    return found


def _ranges(plain: dict[int, int]) -> Iterator[tuple[int, int, int]]:
    """Yield first and last number of calls in a row that have one answer."""
    first = last = answer = -1
    for number in sorted(plain):
        if number == last + 1 and plain[number] == answer:
            last = number
            continue
        if first >= 0:
            yield first, last, answer
        first, last, answer = number, number, plain[number]
    if first >= 0:
        yield first, last, answer


def _conditional(number: int, rules: list[Rule], otherwise: int) -> list[bytes]:
    body: list[bytes] = []
    for rule in rules:
        body += _tested(rule)
    body.append(op(RETURN, otherwise))
    if len(body) > _MOST_JUMP:
        name = rules[0].names[0]
        raise UsageError(
            f"the seccomp profile cannot be honoured: `{name}` has too many conditions",
            hint="write fewer",
        )
    return [op(EQUAL, number, 0, len(body)), *body]


def _tested(rule: Rule) -> list[bytes]:
    """Return what answers if all conditions hold, and falls through else."""
    code: list[Instruction] = []
    for each in rule.conditions:
        test = _condition(each)
        for at, (kind, value, *jumps) in enumerate(test):
            true, false = (len(test) - at - 1 if jump == _HOLD else jump for jump in jumps)
            code.append((kind, value, true, false))
    code.append((RETURN, rule.answer, 0, 0))
    resolved = []
    for at, (kind, value, *jumps) in enumerate(code):
        true, false = (len(code) - at - 1 if jump == _FAIL else jump for jump in jumps)
        resolved.append(op(kind, value, true, false))
    return resolved


def _condition(test: Condition) -> list[Instruction]:
    """Compare an argument of 64 bits, the high half first."""
    low = (LOAD, ARGUMENT + 8 * test.index, 0, 0)
    high = (LOAD, ARGUMENT + 8 * test.index + 4, 0, 0)
    upper, lower = test.value >> _HALF, test.value & _LOW
    hold, fail = _HOLD, _FAIL
    if test.comparison in {Comparison.LT, Comparison.LE}:
        hold, fail = fail, hold
    match test.comparison:
        case Comparison.EQ:
            return [high, (EQUAL, upper, _NEXT, fail), low, (EQUAL, lower, _NEXT, fail)]
        case Comparison.NE:
            return [high, (EQUAL, upper, _NEXT, hold), low, (EQUAL, lower, fail, _NEXT)]
        case Comparison.MASKED_EQ:
            return [
                high,
                (AND, upper, 0, 0),
                (EQUAL, test.other >> _HALF, _NEXT, fail),
                low,
                (AND, lower, 0, 0),
                (EQUAL, test.other & _LOW, _NEXT, fail),
            ]
        case _:
            is_strict = test.comparison in {Comparison.GT, Comparison.LE}
            return [
                high,
                (_GREATER, upper, hold, _NEXT),
                (EQUAL, upper, _NEXT, fail),
                low,
                (_GREATER if is_strict else GREATER_EQUAL, lower, hold, fail),
            ]
