"""Our filter of system calls beside docker's: each call, architecture and set of capabilities.

The facts of docker's profile are in ``tests/conformance/seccomp`` (``scripts/seccomp_profile.py``).
What differs is listed here, and with its reasons in ``docs/security.md``.
"""

from __future__ import annotations

import errno
import re
from pathlib import Path

import msgspec
import pytest

from jettison.linux.process import CAPABILITIES, capability_mask
from jettison.linux.seccomp import program
from jettison.sandbox.spec import DEFAULT_CAPABILITIES
from unit.linux.bpf_machine import AARCH64, ARM, I386, X86_64, refusal

FACTS = Path(__file__).parents[2] / "conformance/seccomp"
NAMES = {X86_64: "x86_64", I386: "i386", AARCH64: "aarch64", ARM: "arm"}
COLUMNS = list(NAMES)
MACHINES = {X86_64: "x86_64", I386: "x86_64", AARCH64: "aarch64", ARM: "aarch64"}
OF_DOCKER = {
    "x86_64": {"amd64", "x86", "x32"},
    "aarch64": {"arm64", "arm"},
}
SETS = {
    "docker's default": DEFAULT_CAPABILITIES,
    "a shared network": tuple(set(DEFAULT_CAPABILITIES) - {"CAP_NET_RAW"}),
    "none": (),
    "CAP_SYS_ADMIN too": (*DEFAULT_CAPABILITIES, "CAP_SYS_ADMIN"),
    "CAP_SYS_PTRACE too": (*DEFAULT_CAPABILITIES, "CAP_SYS_PTRACE"),
    "all": CAPABILITIES,
}
ARGUMENTS = {
    "clone": [17, 0x3D0F00, *(1 << bit for bit in range(32))],
    "personality": [0, 8, 0x20000, 0x20008, 0xFFFFFFFF, 1, 0x40000, 0x0400000],
    "socket": list(range(1, 70)),
}


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NOT_IN_LINUX = words(
    "afs_syscall arch_specific_syscall break ftime getpmsg gtty idle lock mpx pciconfig_iobase "
    "pciconfig_read pciconfig_write prof profil putpmsg security stty syscall_mask tuxcall ulimit "
    "vserver"
)
"""Numbers that stand for nothing in any kernel of today: it answers ENOSYS itself."""

OLD_FORMS = words(
    "nice oldfstat oldlstat oldolduname oldstat olduname readdir sgetmask sigaction signal "
    "sigpending sigsuspend ssetmask"
)
"""First forms of harmless calls, of 32-bit processes, whose later forms docker allows."""

NEWER = frozenset({"file_getattr", "file_setattr", "rseq_slice_yield", "uprobe"})
"""Newer than docker's list; the kernel asks for a capability, or for nothing as nothing is got."""

WITH_ADMIN = frozenset({"listns", "open_tree_attr"})
"""Newer than docker's list; allowed with CAP_SYS_ADMIN only, as their like."""


class Rule(msgspec.Struct, frozen=True):
    """A rule of docker's: what it says about calls, and when it holds."""

    answer: str
    conditions: tuple[str, ...]
    names: frozenset[str]

    def holds(self, machine: str, capabilities: set[str], arguments: tuple[int, ...]) -> bool:
        """Tell whether it applies; a call's name was compared before."""
        has = capabilities | OF_DOCKER[machine]
        architectures = [
            text[1:] for text in self.conditions if text[0] == "+" and "CAP_" not in text
        ]
        if architectures and not OF_DOCKER[machine].intersection(architectures):
            return False
        for text in self.conditions:
            if text.startswith("arg"):
                place, comparison, value, other = text[3:].split(":")
                seen = arguments[int(place)]
                true = {
                    "eq": seen == int(value),
                    "lt": seen < int(value),
                    "masked_eq": seen & int(value) == int(other),
                }[comparison]
            elif text.startswith("-"):
                true = text[1:] not in has
            else:
                true = text[1:] in has or "CAP_" not in text
            if not true:
                return False
        return True


def lines(name: str) -> list[str]:
    text = (FACTS / name).read_text()
    return [line for line in text.splitlines() if not line.startswith("#")]


@pytest.fixture(scope="module")
def rules() -> list[Rule]:
    found = []
    for line in lines("profile.txt"):
        answer, conditions, names = re.fullmatch(r"(\S+) \[(.*?)\] (.*)", line).groups()
        found.append(Rule(answer, tuple(conditions.split()), frozenset(names.split())))
    return found


@pytest.fixture(scope="module")
def numbers() -> dict[str, list[str]]:
    return {name: columns for name, *columns in map(str.split, lines("numbers.txt"))}


def of_docker(
    rules: list[Rule], name: str, machine: str, capabilities: set[str], argument: int
) -> int:
    """Return 0 for a call that docker allows, else the errno."""
    arguments = (argument, 0, 0, 0, 0, 0)
    for rule in rules:
        if name in rule.names and rule.holds(machine, capabilities, arguments):
            action, _, code = rule.answer.partition(":")
            return 0 if action == "allow" else int(code or errno.EPERM)
    return errno.EPERM


@pytest.mark.parametrize("given", SETS)
@pytest.mark.parametrize("arch", COLUMNS, ids=NAMES.values())
def test_each_call_is_answered_as_docker_answers_but_for_a_list(rules, numbers, arch, given):
    capabilities = set(SETS[given])
    machine = MACHINES[arch]
    code = program(capability_mask(SETS[given]), machine)
    different = set()
    compared = 0
    for name, columns in numbers.items():
        number = columns[COLUMNS.index(arch)]
        if number == "-":
            continue
        for argument in ARGUMENTS.get(name, [0]):
            ours = refusal(code, arch, int(number), argument)
            docker = of_docker(rules, name, machine, capabilities, argument)
            compared += 1
            if ours != docker:
                assert ours == 0, f"{name} is refused here only, with argument {argument:#x}"
                different.add(name)
    assert compared > 400
    expected = {
        name
        for name in NOT_IN_LINUX | OLD_FORMS | NEWER
        if numbers[name][COLUMNS.index(arch)] != "-"
    }
    if "CAP_SYS_ADMIN" in capabilities:
        expected |= WITH_ADMIN
    assert different == expected - same_as_docker(rules, expected, machine, capabilities)


def same_as_docker(
    rules: list[Rule], names: set[str], machine: str, capabilities: set[str]
) -> set[str]:
    """Return those of the names that docker allows on this machine, too."""
    return {name for name in names if of_docker(rules, name, machine, capabilities, 0) == 0}


@pytest.mark.parametrize("machine", OF_DOCKER)
def test_calls_without_a_name_are_left_to_the_kernel_which_has_none(machine, numbers):
    """Docker refuses what it does not know; what is to come is seen by the test above."""
    arch = next(each for each in COLUMNS if MACHINES[each] == machine)
    known = {columns[COLUMNS.index(arch)] for columns in numbers.values()}
    unknown = [number for number in range(600) if str(number) not in known]
    code = program(capability_mask(DEFAULT_CAPABILITIES), machine)
    assert {refusal(code, arch, number) for number in unknown} == {0}


def test_x32_has_no_calls_though_docker_allows_them(numbers):
    code = program(capability_mask(CAPABILITIES), "x86_64")
    for name, columns in numbers.items():
        if columns[0] != "-":
            answer = refusal(code, X86_64, 0x40000000 | int(columns[0]))
            assert answer == errno.ENOSYS, name


def test_the_default_capabilities_are_docker_s_fourteen():
    """Of moby's `oci/caps/defaults.go`, version 29."""
    assert set(DEFAULT_CAPABILITIES) == {
        f"CAP_{name}"
        for name in words(
            "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW "
            "SETFCAP SETGID SETPCAP SETUID SYS_CHROOT"
        )
    }


def test_the_security_page_names_each_difference(project_root):
    page = (project_root / "docs/security.md").read_text()
    named = set(re.findall(r"`(\w+)`", page.partition("## The filter of system calls")[2]))
    assert not (NOT_IN_LINUX | OLD_FORMS | NEWER | WITH_ADMIN) - named
