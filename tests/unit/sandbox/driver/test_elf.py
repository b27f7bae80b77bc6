"""Programs of a few system calls, run on this machine or looked at."""

from __future__ import annotations

import os
import struct
import subprocess
from pathlib import Path

import pytest

from jettison.sandbox.driver.elf import BUFFER, executable

MACHINE = os.uname().machine
OPENAT, READ, WRITE, CLOSE = {"x86_64": (257, 0, 1, 3)}.get(MACHINE, (56, 63, 64, 57))
native = pytest.mark.skipif(MACHINE not in {"x86_64", "aarch64"}, reason="another machine")


def run(path: Path, calls, **options) -> subprocess.CompletedProcess[bytes]:
    path.write_bytes(executable(MACHINE, calls, **options))
    path.chmod(0o755)
    return subprocess.run([path], capture_output=True, check=False, cwd=path.parent)


@native
def test_calls_are_made_in_order_with_texts_by_their_address(tmp_path):
    done = run(
        tmp_path / "program",
        [(WRITE, (1, b"ab", 2)), (WRITE, (2, b"c", 1)), (WRITE, (1, b"ab", 1))],
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"aba", b"c")


@native
def test_the_result_of_the_last_call_is_the_status(tmp_path):
    done = run(tmp_path / "program", [(WRITE, (1, b"four", 4))], exits_with_result=True)
    assert (done.returncode, done.stdout) == (4, b"four")
    failed = run(tmp_path / "program", [(CLOSE, (99,))], exits_with_result=True)
    assert failed.returncode == 256 - 9  # EBADF


@native
def test_negative_arguments_and_the_buffer_reach_the_kernel(tmp_path):
    (tmp_path / "file").write_text("content")
    calls = [
        (OPENAT, (-100, b"file", os.O_RDONLY, 0)),  # descriptor 3
        (READ, (3, BUFFER, 100)),
        (WRITE, (1, BUFFER, 7)),
    ]
    assert run(tmp_path / "program", calls).stdout == b"content"


@pytest.mark.parametrize(("machine", "code"), [("x86_64", 62), ("aarch64", 183)])
def test_a_program_is_a_small_static_executable_of_its_machine(machine, code):
    program = executable(machine, [(1, (1, b"text", -1))])
    assert program[:7] == b"\x7fELF\x02\x01\x01"
    assert struct.unpack_from("<HH", program, 16) == (2, code)
    entry, size = struct.unpack_from("<Q", program, 24)[0], len(program)
    assert 0x400000 + 176 <= entry < 0x400000 + size < 0x400000 + 400
    assert b"text\0" in program


def test_an_unknown_machine_has_no_program():
    assert executable("riscv64", [(64, (1, b"a", 1))]) == b""
