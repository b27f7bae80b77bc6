"""What a recipe for a CI system makes a shell do.

In:  YAML as the guides have it: a list of steps, of which some are scripts.
Out: one shell command for each script, run by the shell that the system takes.

Only the forms that the guides use are read; anything else is an error, not a step left out.
"""

from __future__ import annotations

import re
import shlex
import textwrap

SHELLS = {"gitlab": ("script", "sh -e"), "github": ("run", "bash -e -o pipefail")}
"""The key of scripts and the shell of each system: GitLab takes ``sh`` where an image has no bash."""

SET_UP = ("sudo ", "python3 -m venv ")


def steps_of(body: str, kind: str) -> list[str]:
    """Return the commands that carry a recipe out.

    Steps of GitHub that set its machine up are none of them: those that begin with one of
    ``SET_UP``. The guide to getting started runs what installs.
    """
    key, shell = SHELLS[kind]
    scripts = _gitlab(body, key) if kind == "gitlab" else _github(body, key)
    if not scripts:
        raise ValueError(f"no `{key}` in a recipe for {kind}")
    secrets = [re.sub(r"\$\{\{ *secrets\.(\w+) *\}\}", r"$\1", each) for each in scripts]
    return [f"{shell} -c {shlex.quote(each)}" for each in secrets if not each.startswith(SET_UP)]


def _gitlab(body: str, key: str) -> list[str]:
    """Return the lines of ``script:`` as one script each job: they share a shell."""
    found = []
    for block in re.findall(
        rf"^( *){key}:\n((?:\1 +-.*\n(?:\1 {{3,}}[^-\s].*\n)*)+)", body, re.MULTILINE
    ):
        lines = [re.sub(r"^ *- ", "", line) for line in block[1].splitlines()]
        found.append("\n".join(_plain(line) for line in lines))
    return found


def _github(body: str, key: str) -> list[str]:
    """Return the text of each ``run:``, in a line or in a block."""
    found = []
    for first, block in re.findall(
        rf"^ *(?:- )?{key}: (.*)\n((?: {{6,}}.*\n)*)", body, re.MULTILINE
    ):
        found.append(textwrap.dedent(block) if first == "|" else _plain(first))
    return found


def _plain(text: str) -> str:
    """Return a scalar of YAML; one that YAML would not read as it is written is an error."""
    text = text.strip()
    if re.match(r"['\"&*!{}\[\]%@`|>]", text) or ": " in text or " #" in text:
        raise ValueError(f"YAML reads this otherwise: {text}")
    return text
