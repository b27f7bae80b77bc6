"""Filters put together from sections, run by an interpreter."""

from __future__ import annotations

import errno

import pytest

from jettison.linux import bpf
from jettison.linux.bpf import (
    EQUAL,
    LOAD,
    NUMBER,
    REFUSE,
    RETURN,
    UNKNOWN,
    argument,
    assemble,
    op,
    when,
)
from unit.linux.bpf_machine import AARCH64, ALLOW, I386, X86_64, answer, refusal


def test_an_instruction_has_eight_bytes():
    assert op(EQUAL, 0x01020304, 1, 255) == bytes.fromhex("1500 01ff 04030201")


def test_each_architecture_has_its_section_and_others_an_answer():
    section = [op(LOAD, NUMBER), *when(7, [op(RETURN, REFUSE)]), op(RETURN, bpf.ALLOW)]
    code = assemble([(X86_64, section), (AARCH64, [op(RETURN, UNKNOWN)])], bpf.ALLOW)
    assert refusal(code, X86_64, 7) == errno.EPERM
    assert refusal(code, X86_64, 8) == 0
    assert refusal(code, AARCH64, 8) == errno.ENOSYS
    assert answer(code, I386, 7) == ALLOW


def test_a_section_may_be_longer_than_a_conditional_jump_reaches():
    section = [
        op(LOAD, NUMBER),
        *[each for n in range(200) for each in when(n, [op(RETURN, REFUSE)])],
    ]
    code = assemble([(X86_64, [*section, op(RETURN, bpf.ALLOW)])], UNKNOWN)
    assert refusal(code, X86_64, 199) == errno.EPERM
    assert refusal(code, X86_64, 200) == 0
    assert refusal(code, AARCH64, 0) == errno.ENOSYS


@pytest.mark.parametrize(
    ("place", "arguments"), [(0, (5,)), (2, (0, 0, 5)), (5, (0, 0, 0, 0, 0, 5))]
)
def test_arguments_are_loaded_by_their_place(place, arguments):
    section = [argument(place), *when(5, [op(RETURN, REFUSE)]), op(RETURN, bpf.ALLOW)]
    code = assemble([(X86_64, section)], UNKNOWN)
    assert refusal(code, X86_64, 1, *arguments) == errno.EPERM
    assert refusal(code, X86_64, 1, *[each + 1 for each in arguments]) == 0


def test_a_call_that_an_architecture_has_not_needs_no_instructions():
    assert when(-1, [op(RETURN, REFUSE)]) == []
