"""A program asks a question, and nobody can answer: a step has no terminal and no input."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure, quoted

_DEBCONF = (
    ("geographic area", r"(?i)please select the (?:city or region|geographic area)"),
    ("configuring tzdata", r"Configuring tzdata"),
    ("geographic area:", r"^Geographic area:"),
    ("country of origin for the keyboard", r"Country of origin for the keyboard"),
    ("keyboard layout", r"Keyboard layout:"),
)
_SIGNS = (
    ("do you want to continue", r"(?i)do you want to continue\??.*\[?y/n\]?.*(?:abort|$)"),
    ("is this ok", r"Is this ok \[y/[dN/]+\]:"),
    ("exiting on user command", r"Exiting on user [Cc]ommand"),
    ("operation aborted", r"^Operation aborted"),
    ("eof when reading a line", r"EOFError: EOF when reading a line"),
    ("proceed (", r"(?i)proceed (?:\(|\[)y(?:es)?/n"),
    ("(y/n)", r"(?i)\(y(?:es)?/n(?:o)?\)\??:? *$"),
    ("[y/n]", r"(?i)\[y(?:es)?/n(?:o)?\]\??:? *(?:abort.*)?$"),
    ("press [enter]", r"(?i)press (?:\[enter\]|enter|return|any key) to (?:continue|proceed)"),
    ("(r)etry, (q)uit", r"\(r\)etry, \(q\)uit"),
    (
        "accept the license",
        r"(?i)(?:do you|you must|have not) accept(?:ed)? the (?:\w+ )*licen[cs]e",
    ),
    ("licenses have not been accepted", r"(?i)licen[cs]es? (?:have|has) not been accepted"),
    ("please answer", r"(?i)please answer (?:yes or no|y or n)"),
    ("conffile", r"end of file on stdin at conffile prompt"),
    ("eof on stdin", r"(?i)(?:eof|end of file) (?:on|from) stdin"),
    ("not a tty", r"(?i)(?:stdin|input device|standard in\w*)(?: is|:)? not a (?:tty|terminal)"),
    ("cannot prompt", r"(?i)cannot (?:prompt|ask|open terminal)|unable to prompt"),
    ("/dev/tty", r"/dev/tty: No such device|cannot open /dev/tty|open \"?/dev/tty"),
    ("no tty present", r"no tty present and no askpass"),
    ("a terminal is required", r"a terminal is required to (?:read|authenticate)"),
    ("without --force-yes", r"-y was used without --(?:force-yes|allow-\w+)"),
    ("--allow-downgrades", r"-y was used without --allow"),
    ("enter password", r"(?i)^(?:enter|new|retype new)(?: unix)? password: *$"),
    ("the input device is not", r"the input device is not a TTY"),
    ("authentication token manipulation", r"Authentication token manipulation error"),
)


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    if failure.log.find(*_DEBCONF, last=60):
        return Cause(
            "interactive",
            "a package asks where it is installed, and nobody can answer",
            "steps have no terminal and no input",
            "`ARG DEBIAN_FRONTEND=noninteractive` in the stage lets apt take what is usual",
        )
    found = failure.log.find(*_SIGNS, last=12)
    if found is None:
        return None
    why = "steps have no terminal and no input"
    what = f"a program asks, and nobody can answer: {quoted(found.string)}"
    if "-y was used" in found.string:
        what, why = "apt wants a confirmation that `-y` does not give", quoted(found.string)
    fix = "give the answer by a flag: `-y`, `--yes`, `--non-interactive`, or what the program has"
    return Cause("interactive", what, why, fix)
