#!/usr/bin/env python3
"""Records the flags of docker and podman in tests/unit/cli/compat/flags.json, from their help.

    JETTISON_DOCKER="docker" JETTISON_PODMAN="podman" scripts/record_flags.py

Either may be a longer command line, such as `chroot /somewhere podman`. No daemon is asked.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from pathlib import Path

PLACE = Path(__file__).resolve().parents[1] / "tests" / "unit" / "cli" / "compat" / "flags.json"
BOTH = (
    "build", "run", "images", "inspect", "history", "pull", "push", "save", "export", "load", "tag",
    "rmi",
    "login", "logout", "version", "info", "system df", "system prune", "builder prune",
    "image ls", "image rm", "image prune", "image inspect", "manifest inspect",
)  # fmt: skip
COMMANDS = {
    "docker": (
        "", *BOTH,
        *(f"manifest {each}" for each in ("annotate", "create", "push", "rm")),
        *(f"buildx {each}" for each in (
            "bake", "build", "create", "dial-stdio", "du", "inspect", "ls", "prune", "rm", "stop",
            "use", "version", "imagetools create", "imagetools inspect", "history export",
            "history import", "history inspect", "history logs", "history ls", "history open",
            "history rm", "history trace",
        )),
    ),
    "podman": ("", *BOTH, *(f"buildx {each}" for each in ("build", "inspect", "prune", "version"))),
}  # fmt: skip
VARIANTS: dict[str, tuple[dict[str, str], ...]] = {
    "docker": ({}, {"DOCKER_BUILDKIT": "0"}, {"BUILDX_EXPERIMENTAL": "1"}),
    "podman": ({},),
}
"""Environments that show flags which the help leaves out otherwise: those of the old builder."""

_FLAG = re.compile(r" {2,}(?:(-\w), )?(--[\w-]+)(?: (\S+(?: \S+)*?))?(?:\s{2,}.*|\s*)")


def main() -> None:
    """Write the file."""
    found = {}
    for tool, commands in COMMANDS.items():
        argv = shlex.split(os.environ.get(f"JETTISON_{tool.upper()}", tool))
        version = re.search(r"\d+\.\d+\.\d+", said([*argv, "--version"], {}))
        lists = {command: flags(argv, command, VARIANTS[tool]) for command in commands}
        found[tool] = {"version": version[0] if version else "", "commands": lists}
    PLACE.write_text(json.dumps(found, indent=1) + "\n")


def flags(argv: list[str], command: str, variants: tuple[dict[str, str], ...]) -> dict[str, str]:
    """Return the flags of a command: the short name and what the value is called, if any."""
    rows: dict[str, str] = {}
    for variant in variants:
        text = said([*argv, *command.split(), "--help"], variant)
        for found in map(_FLAG.fullmatch, text.splitlines()):
            if found is not None and found[2] != "--help":
                row = " ".join(each for each in (found[1], found[3]) if each)
                rows.setdefault(found[2], row)
    return dict(sorted(rows.items()))


def said(argv: list[str], variables: dict[str, str]) -> str:
    """Return what a command prints."""
    env = {**os.environ, "HOME": "/nonexistent", **variables}
    return subprocess.run(argv, env=env, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    main()
