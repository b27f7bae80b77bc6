"""Runs lines of docker's with Jettison, in one process where a line is one command.

In:  on standard input, a JSON list of lines; the working directory is that of ``stage``.
Out: on standard output, a JSON list of status, output and errors of each.
"""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout

from jettison.cli.main import run
from jettison.linux import userns

_SHELL = re.compile(r"[|<>;&]")


def main() -> None:
    """Run all lines, in a user namespace where this user needs one."""
    if userns.is_needed():
        userns.enter()
    lines = json.loads(sys.stdin.read())
    stdin = os.open(os.devnull, os.O_RDONLY)
    os.dup2(stdin, 0)
    print(json.dumps([one(line) for line in lines]))


def one(line: str) -> tuple[int, str, str]:
    """Return the status, the output and the errors of a line."""
    words = shlex.split(line)
    if any(_SHELL.search(word) and word not in {"|", "<", ">"} for word in words) or not (
        {"|", "<", ">"} & set(words)
    ):
        return _here(words[1:])
    script = f'docker() {{ "{sys.executable}" -m jettison "$@"; }}\n{line}\n'
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def _here(argv: list[str]) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = run(argv)
    return status, out.getvalue(), err.getvalue()


if __name__ == "__main__":
    main()
