#!/usr/bin/env python3
"""Write the facts that tests compare our filter of system calls with.

In:  docker's profile (``default.json``), and files that number the system calls.
Out: ``tests/conformance/seccomp/profile.txt``, ``numbers.txt``.

    go mod download -json github.com/moby/profiles/seccomp@v0.3.0 golang.org/x/sys@v0.50.0
    scripts/seccomp_profile.py DIR-OF-PROFILES DIR-OF-SYS

Both are read for their facts: which call is allowed when, and what number it has.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

PLACE = Path(__file__).resolve().parents[1] / "tests/conformance/seccomp"
COLUMNS = ("amd64", "386", "arm64", "arm")


def rules(path: Path) -> list[str]:
    """Return a line for each rule: answer, condition, names."""
    found = []
    for rule in json.loads(path.read_text())["syscalls"]:
        action = rule["action"].removeprefix("SCMP_ACT_").lower()
        conditions = []
        for sign, kind in (("+", "includes"), ("-", "excludes")):
            for key in ("caps", "arches"):
                conditions += [f"{sign}{name}" for name in rule.get(kind, {}).get(key, ())]
        for each in rule.get("args", ()):
            comparison = each["op"].removeprefix("SCMP_CMP_").lower()
            values = [str(each["value"]), str(each.get("valueTwo", 0))]
            conditions.append(f"arg{each['index']}:{comparison}:{':'.join(values)}")
        answer = f"{action}:{rule['errnoRet']}" if "errnoRet" in rule else action
        found.append(f"{answer} [{' '.join(conditions)}] {' '.join(sorted(rule['names']))}")
    return found


def numbers(directory: Path) -> list[str]:
    """Return a line for each call: name, number in each column, ``-`` where there is none."""
    table: dict[str, dict[str, str]] = {}
    for column in COLUMNS:
        text = (directory / f"zsysnum_linux_{column}.go").read_text()
        for name, number in re.findall(r"\bSYS_(\w+)\s*=\s*(\d+)", text):
            table.setdefault(name.lower(), {})[column] = number
    return [
        " ".join([name, *(columns.get(column, "-") for column in COLUMNS)])
        for name, columns in sorted(table.items())
    ]


def write(name: str, origin: str, form: str, lines: list[str]) -> None:
    """Write a file with its origin on top."""
    head = [f"# Facts of {origin}", f"# {form}", "# Made by scripts/seccomp_profile.py."]
    (PLACE / name).write_text("\n".join([*head, *lines]) + "\n")


def main() -> None:
    """Read both origins and write both files."""
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    profile, sys_ = map(Path, sys.argv[1:])
    version = profile.name.partition("@")[2]
    write(
        "profile.txt",
        f"github.com/moby/profiles/seccomp {version}, default.json (Apache-2.0).",
        "answer [conditions] names; what no rule names is refused with errno 1",
        rules(profile / "default.json"),
    )
    version = sys_.name.partition("@")[2]
    write(
        "numbers.txt",
        f"golang.org/x/sys {version}, unix/zsysnum_linux_*.go (BSD-3-Clause).",
        "name x86_64 i386 aarch64 arm",
        numbers(sys_ / "unix"),
    )


if __name__ == "__main__":
    main()
