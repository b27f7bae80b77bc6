"""A program is not in the stage; where a package of its distribution has it, that is named."""

from __future__ import annotations

import re

from jettison.errors import Cause
from jettison.failure.base import Failure, quoted
from jettison.failure.distribution import package_for
from jettison.failure.tools import ABSENT, NODE_TOOLS, PROGRAMS

_P = r"(?P<name>[A-Za-z_][\w.+@-]*)"
_SIGNS = (
    ("not found", rf"\b(?:ba|da|a|z|k)?sh: (?:\d+: |line \d+: )?{_P}: (?:command )?not found"),
    ("not found", rf"\.sh: (?:\d+: |line \d+: )?{_P}: (?:command )?not found"),
    ("not found", rf"^(?:/\S+|\S+): (?:\d+: |line \d+: )(?:\S+: )?{_P}: (?:command )?not found"),
    ("command not found", rf"(?:^|: ){_P}: command not found"),
    ("command not found", rf"command not found: {_P}"),
    ("executable file not found", rf"exec: \\?\"{_P}\\?\": executable file not found"),
    ("executable file", rf"executable file `?{_P}`? not found"),
    ("no such file or directory", rf"env: [']?{_P}[']?: No such file or directory"),
    ("can't execute", rf"env: can't execute '{_P}'"),
    ("command not found", rf"make(?:\[\d+\])?: {_P}: Command not found"),
    ("no such file or directory", rf"make(?:\[\d+\])?: {_P}: No such file or directory"),
    ("enoent", rf"spawn {_P} ENOENT"),
    ("enoent", rf"npm ERR! syscall spawn {_P}"),
    ("cannot find command", rf"[Cc]annot find command '{_P}'"),
    ("no such file or directory", rf"No such file or directory: '{_P}': '(?P=name)'"),
    ("no such file", r"\[Errno 2\] No such file or directory: '(?P<name>git|gcc|make|cmake|hg|svn|ls|sudo|node|npm|bash|sh|which|wget|curl|java|go|swig|patch|pkg-config|unzip)'"),
    ("failed to run command", rf"failed to run command [']{_P}[']: No such"),
    ("no such file or directory", rf"error: Error -2\(No such file or directory\) .* executing command '{_P}"),
    ("is not installed", rf"^(?:\S+: )?(?:error|ERROR|fatal|Error)?:? ?{_P} (?:is|was) not (?:installed|found)(?: (?:in|on) (?:your )?(?:\$?PATH|path))?[.!]?$"),
    ("not found in", rf"(?i)(?:could not find|cannot find|not found:?) (?:the )?(?:program|executable|command) ['\"`]?{_P}"),
    ("was not found", rf"(?i)(?:program|executable|command) ['\"`]?{_P}['\"`]? (?:was )?not found"),
    ("you need to install", rf"(?i)you (?:need|must) (?:to )?(?:have|install) {_P} (?:installed )?(?:before|to|first)"),
    ("no such file or directory", rf"Cannot run program \"{_P}\".*No such file"),
    ("no such file or directory - ", rf"No such file or directory - {_P}(?: \(|$| )"),
    ("make sure", rf"make sure (?:you have )?[`'\"]?{_P}[`'\"]? (?:is |are )?(?:installed|in your (?:\$?PATH|path))"),
    ("cannot execute", rf"cannot (?:execute|exec|run) `?{_P}`?: (?:not found|No such file)"),
    ("cannot exec", rf"{_P}: Cannot exec: No such file"),
    ("not found in $path", rf"exec: {_P}: not found"),
)  # fmt: skip
_SHELL = re.compile(r"(?:execute|exec|stat) [`\"'\\]*(?P<name>/(?:usr/)?bin/(?:ba|a|da)?sh)\b")
_IGNORED = frozenset(
    (
        "error",
        "warning",
        "fatal",
        "sh",
        "bash",
        "the",
        "file",
        "module",
        "package",
        "it",
        "this",
        "that",
    )
)


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    shell = _SHELL.search(failure.log.lines[-1]) if failure.log.lines else None
    if shell is not None and failure.exit_code == 127:
        return Cause(
            "missing-shell",
            f"the stage has no shell: {quoted(shell['name'])}",
            f"{failure.stage} holds no programs but its own, as distroless images and scratch do",
            'do this in an earlier stage and COPY what it makes, or use `RUN ["PROGRAM", "ARGUMENT"]`',
        )
    last = 60 if failure.exit_code == 127 else 15
    for found in failure.log.all(*_SIGNS, last=last):
        name = found["name"]
        if name.lower() not in _IGNORED:
            return _cause(failure, name)
    return None


def _cause(failure: Failure, name: str) -> Cause:
    what = f"the program {quoted(name)} is not in the stage"
    if name in ABSENT:
        others = {"apt": "apt-get", "apk": "apk", "dnf": "dnf"}.get(failure.distribution.family)
        why = f"{ABSENT[name]}: {failure.stage}"
        fix = f"use `{others}` here, or another base" if others and others != name else (
            "use the package manager of the base, or another base"
        )  # fmt: skip
        return Cause("command-not-found", what, why, fix)
    if name in NODE_TOOLS:
        return Cause(
            "command-not-found",
            what,
            "it comes with the project's own npm packages, which are not all installed",
            "`npm ci` before it, with devDependencies (no NODE_ENV=production), or `npx`",
        )
    package = package_for(PROGRAMS.get(name, {}), failure.distribution)
    if not package:
        why = f"no earlier step has installed it, or it is not on PATH in {failure.stage}"
        fix = "install it in an earlier step, correct its name, or add its directory to PATH"
        return Cause("command-not-found", what, why, fix)
    return Cause(
        "command-not-found",
        what,
        f"{failure.stage} comes without it; the package `{package}` has it",
        failure.distribution.install(package),
    )
