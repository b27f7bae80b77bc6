"""The shell does not understand the command: a syntax error, or bash's syntax in another shell."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure, quoted

_BASH = (
    ("bad substitution", r"(?i)bad substitution"),
    ("[[: not found", r"\[\[: not found"),
    ("redirection unexpected", r"Syntax error: redirection unexpected"),
    ('"(" unexpected', r"Syntax error: \"\(\" unexpected"),
    ("source: not found", r"source: not found"),
    ("pushd: not found", r"(?:pushd|popd|shopt|declare|typeset|let): not found"),
    ("shopt: not found", r"(?:pushd|popd|shopt|declare|typeset|let): not found"),
    ("illegal option -o pipefail", r"[Ii]llegal option -o pipefail"),
    ("unexpected operator", r"sh: (?:\d+: )?\[: \S+: unexpected operator"),
    ("function: not found", r"function: not found"),
)
_SIGNS = (
    ("syntax error", r"(?:^|/)(?:ba|da|a|z)?sh: .*(?i:syntax error)"),
    ("syntax error near unexpected", r"syntax error near unexpected token"),
    ("syntax error:", r": \d+: (?:\S+: )?Syntax error: "),
    ("unexpected end of file", r"syntax error: unexpected end of file"),
    ("unexpected eof while looking", r"unexpected EOF while looking for matching"),
    ("unterminated quoted string", r"[Uu]nterminated quoted string"),
    ("missing `]'", r"\[: missing [`']?\]"),
    ("not a valid identifier", r"export: .*not a valid identifier"),
    ("bad variable name", r"(?:export|local): .*bad variable name"),
    ("unbound variable", r"(?P<name>\w+): unbound variable"),
    ("parameter not set", r"(?P<name>\w+): parameter not set"),
)
_PAGE = ("doctype html", "<html", "cannot open html", "cannot open !doctype")


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    log = failure.log
    found = log.find(*_BASH, last=20)
    if found is not None and not any(each in log for each in _PAGE):
        return Cause(
            "shell-syntax",
            "the shell of the step does not know bash's syntax",
            f"RUN uses `/bin/sh`, which says {quoted(found.string)}",
            'put `SHELL ["/bin/bash", "-c"]` above it, or begin the script with `#!/bin/bash`',
        )
    found = log.find(*_SIGNS, last=20)
    if found is None:
        return None
    if any(each in log for each in _PAGE):
        return Cause(
            "download-content",
            "a script that was downloaded is a web page",
            "its address has moved, and answers with a page for people",
            "look at what the address answers, and use `curl -f`, which fails at error pages",
        )
    name = found.groupdict().get("name")
    if name:
        return Cause(
            "missing-variable",
            f"the variable {quoted(name)} is not set",
            "an ARG counts in its own stage only, from its line on",
            f"put `ARG {name[:60]}` into the stage, and give it with `--build-arg`",
        )
    return Cause(
        "shell-syntax",
        f"the shell does not understand the command: {quoted(found.string)}",
        "lines of a RUN are one line for the shell: each needs `&&`, `;` or a `\\` at its end",
        "look at quotes and line ends, or write it as a heredoc: `RUN <<EOF`",
    )
