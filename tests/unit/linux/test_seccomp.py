"""The system call filter, run by a small interpreter of classic BPF, and compared with docker's."""

from __future__ import annotations

import errno

import pytest

from jettison.linux.process import CAPABILITIES, capability_mask
from jettison.linux.seccomp import oci_filter, open_program, program, refused, supported
from jettison.linux.socket_filter import socket_program
from jettison.sandbox.spec import DEFAULT_CAPABILITIES
from unit.linux.bpf_machine import AARCH64, ALLOW, ARM, I386, NOTIFY, X86_64, answer
from unit.linux.bpf_machine import refusal as run

DEFAULT = capability_mask(DEFAULT_CAPABILITIES)
ALL = (1 << len(CAPABILITIES)) - 1


@pytest.mark.parametrize(
    ("machine", "arch", "mount", "read", "keyctl"),
    [
        ("x86_64", X86_64, 165, 0, 250),
        ("x86_64", I386, 21, 3, 288),
        ("aarch64", AARCH64, 40, 63, 219),
        ("aarch64", ARM, 21, 3, 311),
    ],
)
def test_calls_on_the_kernel_are_refused_on_each_architecture(machine, arch, mount, read, keyctl):
    code = program(DEFAULT, machine)
    assert run(code, arch, read) == 0
    assert run(code, arch, mount) == errno.EPERM
    assert run(code, arch, keyctl) == errno.EPERM


def test_capabilities_open_what_belongs_to_them():
    code = program(DEFAULT | capability_mask(("CAP_SYS_ADMIN",)), "x86_64")
    assert run(code, X86_64, 165) == 0  # mount
    assert run(code, X86_64, 272) == 0  # unshare
    assert run(code, X86_64, 250) == errno.EPERM  # keyctl: no capability is enough
    assert run(code, X86_64, 435) == 0  # clone3


def test_threads_may_be_made_but_no_namespaces():
    code = program(DEFAULT, "x86_64")
    assert run(code, X86_64, 56, 0x3D0F00) == 0
    assert run(code, X86_64, 56, 0x10000000 | 17) == errno.EPERM  # CLONE_NEWUSER
    assert run(code, X86_64, 56, 0x00020000) == errno.EPERM  # CLONE_NEWNS
    assert run(code, X86_64, 435) == errno.ENOSYS  # libc then uses clone


@pytest.mark.parametrize(
    ("value", "answer"),
    [(0, 0), (8, 0), (0x20000, 0), (0x20008, 0), (0xFFFFFFFF, 0), (0x40000, errno.EPERM)],
)
def test_personalities_are_limited(value, answer):
    assert run(program(DEFAULT, "x86_64"), X86_64, 135, value) == answer


def test_sockets_to_the_hypervisor_are_refused():
    code = program(DEFAULT, "x86_64")
    assert run(code, X86_64, 41, 40) == errno.EPERM
    assert run(code, X86_64, 41, 2) == 0
    assert run(code, I386, 359, 40) == errno.EPERM
    assert run(code, I386, 102, 1) == 0
    with_vsock = program(DEFAULT, "x86_64", vsock=True)
    assert run(with_vsock, I386, 102, 1) == errno.EPERM
    assert run(with_vsock, I386, 102, 3) == 0  # connect


UNIX, INET, STREAM, DATAGRAM, RAW, CLOSES = 1, 2, 1, 2, 3, 0o2000000


@pytest.mark.parametrize(
    ("machine", "arch", "socket", "socketpair"),
    [
        ("x86_64", X86_64, 41, 53),
        ("x86_64", I386, 359, 360),
        ("aarch64", AARCH64, 198, 199),
        ("aarch64", ARM, 281, 288),
    ],
)
@pytest.mark.parametrize("alone", [True, False])
def test_unix_sockets_are_asked_for_where_the_kernel_cannot_scope_them(
    machine, arch, socket, socketpair, alone
):
    code = socket_program(machine) if alone else program(DEFAULT, machine, notify_socket=True)
    assert answer(code, arch, socket, UNIX, STREAM) == NOTIFY
    assert answer(code, arch, socket, UNIX | 1 << 32, STREAM) == NOTIFY  # the kernel takes an int
    assert answer(code, arch, socket, INET, STREAM) == ALLOW
    assert run(code, arch, socket, 40) == (0 if alone else errno.EPERM)
    assert answer(code, arch, socketpair, UNIX, STREAM | CLOSES) == ALLOW
    assert answer(code, arch, socketpair, UNIX, DATAGRAM | CLOSES) == NOTIFY
    assert answer(code, arch, socketpair, UNIX, RAW) == NOTIFY
    assert answer(code, arch, socketpair, INET, DATAGRAM) == ALLOW
    if arch == I386:
        assert [answer(code, arch, 102, call) for call in (1, 8)] == [NOTIFY, NOTIFY]
        assert answer(code, arch, 102, 3) == ALLOW
    if arch == X86_64:
        assert run(code, arch, 0x40000000 | socket, UNIX) == errno.ENOSYS


def test_unknown_architectures_and_x32_have_no_calls():
    code = program(DEFAULT, "x86_64")
    assert run(code, AARCH64, 63) == errno.ENOSYS
    assert run(code, X86_64, 0x40000000) == errno.ENOSYS


def test_the_program_fits_the_kernel_s_limit():
    assert 0 < len(program(0, "x86_64")) // 8 < 4096


def test_other_processors_have_no_program():
    assert program(DEFAULT, "riscv64") == b""
    assert oci_filter(DEFAULT, "riscv64") is None
    assert isinstance(supported(), bool)


def test_the_runtime_s_form_refuses_the_same_calls():
    made = oci_filter(DEFAULT, "x86_64")
    assert made is not None
    rules = made["syscalls"]
    assert rules[0]["names"] == list(refused(DEFAULT))
    assert {"mount", "keyctl", "bpf", "unshare"} <= set(rules[0]["names"])
    assert sum(rule["names"] == ["clone"] for rule in rules) == 7
    everything = oci_filter(ALL, "x86_64")["syscalls"]
    assert "mount" not in everything[0]["names"]
    assert not any(rule["names"] == ["clone"] for rule in everything)


@pytest.mark.parametrize(
    ("machine", "arch", "openat", "read"),
    [("x86_64", X86_64, 257, 0), ("aarch64", AARCH64, 56, 63)],
)
def test_chroots_ask_about_what_is_opened_and_refuse_nothing_else(machine, arch, openat, read):
    code = open_program(machine)
    assert answer(code, arch, openat) == NOTIFY
    assert answer(code, arch, read) == ALLOW
    assert answer(code, I386, openat) == ALLOW
    assert (
        answer(program(DEFAULT, machine, single_id=True, notify_open=True), arch, openat) == NOTIFY
    )


def test_opening_is_asked_about_where_it_is_wanted_only():
    assert answer(program(DEFAULT, "x86_64"), X86_64, 257) == ALLOW
    assert open_program("mips") == b""
