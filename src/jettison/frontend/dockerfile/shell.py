"""Shell text: which commands a RUN has, and which variables it uses and sets.

In:  the text of a shell form, or of a script in a heredoc.
Out: words of its commands; names of variables.

This reads shell as far as checks need it and never fails: quotes, escapes, comments and operators
count; what is in ``$(…)`` and backquotes is a part of its word. POSIX shells only.

Source: POSIX.1-2017, "Shell Command Language".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from jettison.frontend.dockerfile.heredoc import parse_heredoc
from jettison.frontend.dockerfile.syntax import Run

MAX_TEXT = 1 << 16
"""Characters; of a longer text the rest is not read."""

_PART = r"""(?xs)
      (?P<blank>[ \t]+ | \\\n)
    | (?P<comment>(?<![^\s;&|()])\#[^\n]*)
    | (?P<operator>&& | \|\| | ;;? | \|&? | &(?!>) | \n | [()])
    | (?P<word>(?:
          '[^']*'
        | "(?:[^"\\]|\\.)*"
        | `(?:[^`\\]|\\.)*`
        | \$\((?:[^()]|\([^()]{0,999}\)){0,999}\)
        | \$\{[^{}]*\}
        | \\.
        | [<>]&\d? | &>
        | [^\s;&|()'"`\\]
      )+)
    | (?P<other>.)"""
_QUOTED = re.compile(r"""'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)""", re.DOTALL)
_LEADING = frozenset(
    {"if", "then", "else", "elif", "do", "while", "until", "!", "time", "{", "exec", "command",
     "sudo", "env", "nice", "nohup", "eatmydata"}
)  # fmt: skip
"""Words before a command that are not the command."""

_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
_USED = r"""(?xs) (?P<single>'[^']*') | "(?P<double>(?:[^"\\]|\\.)*)" | \\.
    | \$(?:(?P<plain>[A-Za-z_]\w*) | \{[\#!]?(?P<braced>[A-Za-z_]\w*)(?P<rest>:?[-=+?]?))"""
_SET = r"""(?x)
      (?:^|[\s;&|(`"'{])(?P<assigned>[A-Za-z_]\w*)\+?=
    | \bfor\s+(?P<loop>[A-Za-z_]\w*)\b
    | \b(?:read|getopts|mapfile|readarray|export|declare|local|typeset)\s+(?P<named>[^;&|\n]*)
    | \bprintf\s+-v\s+(?P<printed>[A-Za-z_]\w*)
    | \$\{(?P<default>[A-Za-z_]\w*):?="""
_FOREIGN = r"(?m)(?:^|[;&|({]|\bthen|\bdo)\s*(?:\.|source|eval|set\s+-a)\s"


def script_of(run: Run) -> str:
    """Return the text that the shell of a RUN gets; empty for the JSON form."""
    if run.command.is_json:
        return ""
    if not run.heredocs:
        return run.command.text[:MAX_TEXT]
    bodies = [each.text for each in run.heredocs]
    if parse_heredoc(run.command.text) is not None:
        return "" if bodies[0].startswith("#!") else bodies[0][:MAX_TEXT]
    return "\n".join([run.command.text, *bodies])[:MAX_TEXT]


def commands(text: str) -> list[tuple[str, ...]]:
    """Return the commands of a text, each its words without quotes.

    Assignments and words such as ``if`` and ``sudo`` before a command are left out.

    >>> commands("set -e; X=1 sudo make -j4 && echo 'a b' # done")
    [('set', '-e'), ('make', '-j4'), ('echo', 'a b')]
    """
    return [words for words in map(_command, _split(text)) if words]


def _split(text: str) -> Iterator[list[str]]:
    words: list[str] = []
    for match in re.finditer(_PART, text[:MAX_TEXT]):
        if match.lastgroup == "operator":
            yield words
            words = []
        elif match.lastgroup == "word":
            words.append(match[0])
    yield words


def _command(words: list[str]) -> tuple[str, ...]:
    start = 0
    while start < len(words) and (words[start] in _LEADING or _ASSIGNMENT.match(words[start])):
        start += 1
    return tuple(_QUOTED.sub(_unquoted, word) for word in words[start:])


def _unquoted(match: re.Match[str]) -> str:
    return next(group for group in match.groups() if group is not None)


def used_variables(text: str) -> tuple[str, ...]:
    """Return the variables that a text expands, in order; those with a default are left out.

    >>> used_variables("echo $A '$B' ${C} ${D:-d}")
    ('A', 'C')
    """
    return tuple(dict.fromkeys(_used(text[:MAX_TEXT])))


def _used(text: str) -> Iterator[str]:
    for match in re.finditer(_USED, text):
        if match["double"] is not None:
            yield from _used(match["double"].replace("'", " "))
        elif match["plain"]:
            yield match["plain"]
        elif match["braced"] and not match["rest"].lstrip(":"):
            yield match["braced"]


def set_variables(text: str) -> frozenset[str]:
    """Return the variables that a text gives values to.

    >>> sorted(set_variables("A=1; for B in x; do read -r C; done; export D E=2"))
    ['A', 'B', 'C', 'D', 'E']
    """
    found: set[str] = set()
    for match in re.finditer(_SET, text[:MAX_TEXT]):
        if match["named"] is not None:
            found |= set(re.findall(r"(?<![-\w$])[A-Za-z_]\w*", match["named"]))
        else:
            found.add(match["assigned"] or match["loop"] or match["printed"] or match["default"])
    return frozenset(found)


def reads_other_scripts(text: str) -> bool:
    """Tell whether a text runs others in its own shell, which may set any variable.

    >>> reads_other_scripts("set -e; . ./env.sh"), reads_other_scripts("cp . /x")
    (True, False)
    """
    return re.search(_FOREIGN, text[:MAX_TEXT]) is not None
