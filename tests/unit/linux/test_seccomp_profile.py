"""Profiles of system calls: docker's JSON, what depends on the container, and the BPF that it becomes."""

from __future__ import annotations

import errno
import json

import pytest

from jettison.errors import UsageError
from jettison.linux.seccomp import program
from jettison.linux.seccomp_profile import SeccompProfile, oci_profile, parse_profile
from jettison.linux.seccomp_rules import profile_section
from jettison.linux.syscall_numbers import numbers
from unit.linux.bpf_machine import AARCH64, ALLOW, ARM, I386, X86_64, answer

REFUSE = 0x00050000 | errno.EPERM
COMPARISONS = {
    "NE": lambda got, value: got != value,
    "LT": lambda got, value: got < value,
    "LE": lambda got, value: got <= value,
    "EQ": lambda got, value: got == value,
    "GE": lambda got, value: got >= value,
    "GT": lambda got, value: got > value,
}


def parsed(document: object, *capabilities: str, kernel=(6, 1)) -> SeccompProfile:
    return parse_profile(json.dumps(document), capabilities, "x86_64", kernel)


def code(profile: SeccompProfile) -> bytes:
    return program(0, "x86_64", profile=profile)


def rule(*names: str, action="ALLOW", **more: object) -> dict[str, object]:
    return {"names": names, "action": f"SCMP_ACT_{action}", **more}


def denying(*rules: object, **more: object) -> dict[str, object]:
    return {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": rules, **more}


def test_a_list_of_what_is_allowed() -> None:
    made = code(parsed(denying(rule("read", "write", "close", "exit_group", "not_invented_yet"))))
    for name, wanted in (("read", ALLOW), ("close", ALLOW), ("open", REFUSE), ("stat", REFUSE)):
        assert answer(made, X86_64, numbers()[name][0]) == wanted, name
    assert answer(made, I386, 3) == 0x00050000 | errno.ENOSYS  # not covered
    assert answer(made, X86_64, 0x40000000) == 0x00050000 | errno.ENOSYS  # x32


def test_32_bit_programs_are_covered_where_the_profile_says_so() -> None:
    family = {"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}
    for more in ({"archMap": [family]}, {"architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"]}):
        made = code(parsed(denying(rule("read"), **more)))
        assert answer(made, I386, 3) == ALLOW
        assert answer(made, I386, 4) == REFUSE


def test_actions_have_their_numbers() -> None:
    document = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [
            rule("mkdir", action="ERRNO", errnoRet=28), rule("chmod", action="KILL_PROCESS"),
            rule("chown", action="KILL"), rule("link", action="TRAP"), rule("unlink", action="LOG"),
            rule("rename", action="TRACE", errnoRet=7),
        ],
    }  # fmt: skip
    made = code(parsed(document))
    wanted = {"mkdir": 0x0005001C, "chmod": 0x80000000, "chown": 0, "link": 0x00030000}
    wanted |= {"unlink": 0x7FFC0000, "rename": 0x7FF00007, "read": ALLOW}
    assert {name: answer(made, X86_64, numbers()[name][0]) for name in wanted} == wanted
    denied = code(parsed(denying(defaultErrnoRet=38)))
    assert answer(denied, X86_64, 0) == 0x00050000 | 38


VALUES = [0, 1, 5, (1 << 32) - 1, 1 << 32, (1 << 32) + 5, (1 << 64) - 1]


@pytest.mark.parametrize("name", COMPARISONS)
@pytest.mark.parametrize("value", VALUES)
def test_arguments_are_compared_in_all_their_bits(name: str, value: int) -> None:
    test = {"index": 1, "value": value, "op": f"SCMP_CMP_{name}"}
    made = code(parsed(denying(rule("socket", args=[test]))))
    for got in VALUES:
        wanted = ALLOW if COMPARISONS[name](got, value) else REFUSE
        assert answer(made, X86_64, 41, 0, got) == wanted, (got, value)


def test_all_conditions_of_a_rule_hold_and_one_rule_of_several() -> None:
    both = [
        {"index": 0, "value": 2, "op": "SCMP_CMP_EQ"},
        {"index": 1, "value": 1, "op": "SCMP_CMP_LE"},
    ]
    masked = [{"index": 0, "value": 0xF0, "valueTwo": 0x10, "op": "SCMP_CMP_MASKED_EQ"}]
    made = code(parsed(denying(rule("socket", args=both), rule("socket", args=masked))))
    found = {
        args: answer(made, X86_64, 41, *args)
        for args in [(2, 1), (2, 2), (3, 1), (0x1F, 9), (0x2F, 0)]
    }
    assert found == {
        (2, 1): ALLOW,
        (2, 2): REFUSE,
        (3, 1): REFUSE,
        (0x1F, 9): ALLOW,
        (0x2F, 0): REFUSE,
    }


def test_rules_depend_on_capabilities_processor_and_kernel() -> None:
    document = denying(
        rule("mount", includes={"caps": ["CAP_SYS_ADMIN"]}),
        rule("setns", excludes={"caps": ["CAP_SYS_ADMIN"]}),
        rule("read", includes={"arches": ["amd64"]}), rule("write", includes={"arches": ["s390x"]}),
        rule("close", excludes={"arches": ["amd64"]}),
        rule("ptrace", includes={"minKernel": "4.8"}), rule("bpf", includes={"minKernel": "7.0"}),
        rule("open", excludes={"minKernel": "4.8"}),
    )  # fmt: skip
    allowed = {name for each in parsed(document).rules for name in each.names}
    assert allowed == {"setns", "read", "ptrace"}
    allowed = {name for each in parsed(document, "CAP_SYS_ADMIN").rules for name in each.names}
    assert allowed == {"mount", "read", "ptrace"}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "Expected `object`"),
        ({}, "missing required field `defaultAction`"),
        ({"defaultAction": "SCMP_ACT_WAVE"}, "the action `SCMP_ACT_WAVE` is not known"),
        (denying(rule("read", action="NOTIFY")), "there are no listeners"),
        (denying(listenerPath="/run/x"), "there are no listeners"),
        ({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [rule("new_call", action="ERRNO")]}, "the call `new_call`"),
        (denying(rule("read", args=[{"index": 6, "value": 0, "op": "SCMP_CMP_EQ"}])), "out of range"),
        (denying(rule("read", args=[{"index": 0, "value": 0, "op": "SCMP_CMP_X"}])), "SCMP_CMP_X"),
        (denying(rule("read", name="write")), "`name` and `names`"),
        (denying(rule("read", includes={"minKernel": "new"})), "no version of a kernel"),
        (denying(architectures=["SCMP_ARCH_X86_64"], archMap=[{"architecture": "x"}]), "`archMap`"),
    ],
)  # fmt: skip
def test_what_cannot_be_honoured_is_an_error(document: object, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parsed(document)
    assert said in caught.value.message


def test_too_many_rules_are_an_error() -> None:
    tests = [rule("read", args=[{"index": 0, "value": n, "op": "SCMP_CMP_EQ"}]) for n in range(99)]
    with pytest.raises(UsageError, match="too many conditions"):
        code(parsed(denying(*tests)))


def test_calls_in_a_row_with_one_answer_are_one_range() -> None:
    few = profile_section(parsed(denying(rule("read", "write", "open", "close"))), 0)
    many = profile_section(parsed(denying(rule("read", "open", "fstat", "poll"))), 0)
    assert len(few) < len(many)


def test_a_processor_without_tables_is_an_error() -> None:
    with pytest.raises(UsageError, match="`riscv64` are not known"):
        parse_profile('{"defaultAction": "SCMP_ACT_ALLOW"}', (), "riscv64", (6, 1))


def test_a_runtime_gets_the_same_rules() -> None:
    test = {"index": 1, "value": 3, "valueTwo": 4, "op": "SCMP_CMP_MASKED_EQ"}
    found = oci_profile(parsed(denying(rule("read", args=[test]), defaultErrnoRet=1)), "x86_64")
    assert found == {
        "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1, "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [test]}],
    }  # fmt: skip


def test_the_other_processor_has_its_own_numbers() -> None:
    family = {"architecture": "SCMP_ARCH_AARCH64", "subArchitectures": ["SCMP_ARCH_ARM"]}
    text = json.dumps(denying(rule("openat"), archMap=[family]))
    made = program(0, "aarch64", profile=parse_profile(text, (), "aarch64", (6, 1)))
    assert answer(made, AARCH64, 56) == ALLOW
    assert answer(made, ARM, 322) == ALLOW
    assert answer(made, ARM, 56) == REFUSE
