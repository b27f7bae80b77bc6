"""Runs the commands of a page in one shell, so that directories and variables last.

In:  commands, each with the status that it is to end with.
Out: what each said.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SECONDS = 600
"""For all commands of a page: on a machine that does much else, a build takes minutes."""


@dataclass(frozen=True)
class Step:
    """One command.

    Attributes:
        mixed: Standard error is a part of the output, in the order of a terminal.
    """

    text: str
    status: int = 0
    mixed: bool = False


@dataclass(frozen=True)
class Said:
    """What a command said: its output, what was on standard error beside it.

    Its status is None if it did not end in time.
    """

    output: str
    errors: str
    status: int | None


def run(
    steps: Sequence[Step],
    *,
    work: Path,
    notes: Path,
    env: Mapping[str, str],
    become: Sequence[str] = (),
) -> list[Said]:
    """Run commands one after the other; stop behind the first that ends with another status.

    Args:
        work: Directory of the first command.
        notes: Empty directory for the output, which the user may write.
        become: Words that run a command as another user.
    """
    script = ["shopt -s expand_aliases", "exec < /dev/null"]
    for n, step in enumerate(steps):
        place = notes / str(n)
        to = f"> {place}.out 2>&1" if step.mixed else f"> {place}.out 2> {place}.err"
        # A command on lines of its own: aliases are expanded in what is read after them.
        script += [
            "{",
            step.text,
            f"}} {to}",
            f"jettison_status=$?; echo $jettison_status > {place}.status",
        ]
        script += [f"[ $jettison_status = {step.status} ] || exit 99"]
    with (notes / "said").open("wb") as said:
        process = subprocess.Popen(
            [*become, "bash", "-c", "\n".join(script)],
            cwd=work,
            env=dict(env),
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
    try:
        process.wait(SECONDS)
    except subprocess.TimeoutExpired:
        pass  # the command that did not end has no status
    finally:
        # Also what a page starts in the background.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL if process.poll() is None else signal.SIGTERM)
        process.wait()
    found = []
    for n in range(len(steps)):
        output, errors, status = (_text(notes / f"{n}.{kind}") for kind in ("out", "err", "status"))
        found.append(Said(output, errors, int(status) if status else None))
        if found[-1].status != steps[n].status:
            break
    if found and found[0].status is None and (notes / "said").stat().st_size:
        raise RuntimeError(f"the shell could not read the commands:\n{_text(notes / 'said')}")
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
