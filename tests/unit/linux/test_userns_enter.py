"""The program that enters a user namespace and executes another, run as it is run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import jettison
from jettison.linux import userns_enter
from jettison.linux.userns_enter import ENTERED, REASON

START = (
    f"import sys; sys.path.insert(0, sys.argv[1]); import {userns_enter.__name__} as e; e.main()"
)
SHOW = (
    "import os; print(os.environ['JETTISON_USERNS'], os.environ.get('JETTISON_USERNS_REASON', ''))"
)


def entered(*arguments: str, code: str = SHOW) -> str:
    package = str(Path(jettison.__file__).parents[1])
    argv = [
        sys.executable,
        "-I",
        "-S",
        "-c",
        START,
        package,
        *arguments,
        sys.executable,
        "-c",
        code,
    ]
    environment = {key: value for key, value in os.environ.items() if key not in {ENTERED, REASON}}
    done = subprocess.run(argv, capture_output=True, text=True, check=True, env=environment)
    return done.stdout.strip()


def test_without_programs_one_id_is_mapped():
    code = "import os; print(os.getuid(), os.getgid(), *open('/proc/self/uid_map').read().split())"
    assert entered("", "", "", "", code=code) == f"0 0 0 {os.geteuid()} 1"
    assert entered("", "", "", "") == "single-id"


@pytest.mark.needs_root
def test_programs_are_called_with_the_process_and_the_maps(tmp_path):
    program = tmp_path / "mapper"
    program.write_text(f"#!/bin/sh\necho \"$@\" >> {tmp_path}/calls\nkind=uid\n"
                       f"[ \"$2\" = 5 ] && kind=gid\necho 0 0 1 > /proc/$1/${{kind}}_map\n")  # fmt: skip
    program.chmod(0o755)
    assert entered(str(program), str(program), "0,0,1", "5,0,1") == "ids"
    first, second = ((line.split()) for line in (tmp_path / "calls").read_text().splitlines())
    assert (first[1:], second[1:]) == (["0", "0", "1"], ["5", "0", "1"])
    assert first[0] == second[0]


def test_a_program_that_fails_leaves_one_id_and_a_reason(tmp_path):
    program = tmp_path / "newuidmap"
    program.write_text("#!/bin/sh\necho 'write\n to uid_map   failed' >&2\nexit 1\n")
    program.chmod(0o755)
    said = entered(str(program), str(program), "0,100000,1", "0,100000,1")
    assert said == "single-id `newuidmap` failed: write to uid_map failed"
