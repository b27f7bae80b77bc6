"""Which programs an emulator is registered for."""

from __future__ import annotations

import os

import pytest

from jettison.linux import binfmt

ARM64 = (
    rb":qemu-aarch64:M::\x7f\x45\x4c\x46\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00"
    rb"\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:"
    rb"/bin/sh:OP"
)
S390X = (
    rb":qemu-s390x:M:0:\x7fELF\x02\x02\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x16:"
    rb"\xff\xff\xff\xff\xff\xff\xff\xfc\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff:/bin/sh:F"
)
KERNEL = """enabled
interpreter /usr/bin/qemu
flags: {flags}
offset 0
magic 7f454c460201010000000000000000000200b700
mask ffffffffffffff00fffffffffffffffffeffffff
"""


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A host on x86-64 with packages of emulators, and nothing registered."""
    mounted, packages, own = (tmp_path / each for each in ("mounted", "packages", "own"))
    for each in (mounted, packages, own):
        each.mkdir()
    (packages / "qemu-aarch64.conf").write_bytes(b"# comment\n" + ARM64 + b"\n\n")
    (packages / "qemu-s390x.conf").write_bytes(S390X)
    (packages / "other.conf").write_bytes(b":e:E::py::/bin/sh:\nnonsense\n:\n")
    (mounted / "register").write_bytes(b"")
    (mounted / "status").write_text("enabled\n")
    monkeypatch.setattr(binfmt, "MOUNTED", mounted)
    monkeypatch.setattr(binfmt, "DIRECTORIES", (str(own), str(packages)))
    monkeypatch.setattr(binfmt, "mount", lambda *_: None)
    monkeypatch.setenv("JETTISON_USERNS", "ids")
    uname = os.uname_result(("Linux", "here", "6.7", "1", "x86_64"))
    monkeypatch.setattr(binfmt.os, "uname", lambda: uname)
    return tmp_path


def registered(host):
    return (host / "mounted/register").read_bytes()


def test_the_machines_own_programs_need_nothing(host):
    assert binfmt.can_run("amd64")
    assert binfmt.can_run("386")
    assert binfmt.can_run("what-nobody-knows")
    assert not binfmt.can_run("arm64")
    binfmt.register(("amd64", "386"))
    assert registered(host) == b""


def test_what_packages_have_is_registered_in_a_namespace_of_our_own(host):
    assert binfmt.has_emulator("arm64")
    assert binfmt.has_emulator("s390x")
    assert not binfmt.has_emulator("riscv64")
    binfmt.register(("amd64", "s390x"))
    line = registered(host)
    assert line.startswith(rb":qemu-s390x:M:0:\x7f\x45\x4c\x46\x02\x02")
    assert line.endswith(b":/bin/sh:F")
    binfmt.register(("arm64",))
    assert registered(host).endswith(b":/bin/sh:FOP")  # the emulator is outside of containers


def test_outside_of_such_a_namespace_nothing_is_registered(host, monkeypatch):
    monkeypatch.delenv("JETTISON_USERNS")
    binfmt.register(("arm64",))
    assert registered(host) == b""


def test_a_file_of_the_administrator_hides_that_of_the_package(host):
    (host / "own/qemu-aarch64.conf").write_bytes(b"")
    assert not binfmt.has_emulator("arm64")


def test_what_is_not_installed_is_not_registered(host):
    (host / "packages/qemu-aarch64.conf").write_bytes(ARM64.replace(b"/bin/sh", b"/bin/none"))
    binfmt.register(("arm64",))
    assert registered(host) == b""


@pytest.mark.parametrize(("flags", "runs"), [("POF", True), ("", False)])
def test_an_emulator_counts_that_containers_do_not_need_to_have(host, flags, runs):
    (host / "mounted/qemu-aarch64").write_text(KERNEL.format(flags=flags))
    assert binfmt.can_run("arm64") is runs
    assert not binfmt.can_run("s390x")


def test_what_is_switched_off_does_not_count(host):
    file = host / "mounted/qemu-aarch64"
    file.write_text(KERNEL.format(flags="F").replace("enabled", "disabled"))
    assert not binfmt.can_run("arm64")
    file.write_text(KERNEL.format(flags="F"))
    (host / "mounted/status").write_text("disabled\n")
    assert not binfmt.can_run("arm64")


def test_what_the_host_has_registered_is_not_hidden_by_less(host):
    (host / "mounted/qemu-aarch64").write_text(KERNEL.format(flags="F"))
    (host / "packages/qemu-aarch64.conf").unlink()
    binfmt.register(("arm64", "s390x"))
    assert registered(host) == b""


def test_what_can_be_emulated_says_by_what_and_whether_the_kernel_knows(host):
    assert [(each.architecture, each.is_registered) for each in binfmt.emulations()] == [
        ("arm64", False),
        ("s390x", False),
    ]
    (host / "mounted/qemu-aarch64").write_text(KERNEL.format(flags="OCF"))
    first, second = binfmt.emulations()
    assert first == binfmt.Emulation("arm64", "/usr/bin/qemu", True)
    assert (second.architecture, second.interpreter) == ("s390x", "/bin/sh")
    (host / "mounted/qemu-aarch64").write_text(KERNEL.format(flags="OC"))  # not in containers
    assert binfmt.emulations()[0].is_registered is False
