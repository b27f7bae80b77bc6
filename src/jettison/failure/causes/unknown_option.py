"""A program does not know a flag or a command: it is in another version than was thought."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure, quoted

_SIGNS = (
    ("unrecognized option", r"unrecognized option:? ?['`\"]?(?P<name>[\w-]+)"),
    ("unrecognised option", r"unrecognised option ['`\"]?(?P<name>[\w-]+)"),
    ("invalid option", r"invalid option (?:-- )?['`\"]?(?P<name>[\w-]+)"),
    ("unknown option", r"(?i)unknown option:?:? ?['`\"]?(?P<name>[\w-]+)"),
    ("no such option", r"[Nn]o such (?:option|command):? ['\"]?(?P<name>[\w-]+)"),
    ("illegal option", r"[Ii]llegal option (?:-- )?(?P<name>[\w-]+)"),
    ("unknown flag", r"unknown flag: (?P<name>\S+)"),
    ("unknown shorthand flag", r"unknown shorthand flag: (?P<name>.*)"),
    ("flag provided but not defined", r"flag provided but not defined: (?P<name>\S+)"),
    ("unknown command", r"(?i)unknown (?:sub)?command:? ['\"]?(?P<name>[\w-]+)"),
    ("invalid operation", r"E: Invalid operation (?P<name>\S+)"),
    ("command line option", r"E: Command line option (?P<name>\S.*) is not (?:understood|known)"),
    ("unrecognized arguments", r"error: unrecognized arguments: (?P<name>.*)"),
    ("unexpected argument", r"error: (?:Found argument|unexpected argument) '(?P<name>[^']+)'"),
    ("invalid choice", r"error: .*invalid choice: '?(?P<name>[\w-]+)"),
    ("option does not exist", r"The \"(?P<name>[^\"]+)\" option does not exist"),
    ("is not defined", r"Command \"(?P<name>[^\"]+)\" is not defined"),
    ("unsupported option", r"(?i)unsupported (?:option|argument):? ['\"]?(?P<name>\S+)"),
    ("option requires an argument", r"option (?:requires an argument|needs an argument).*?(?P<name>\S*)$"),
    ("try '", r"(?:Try|See) '?(?P<name>\S+ --help)'? for (?:more|help)"),
    ("missing operand", r"(?P<name>missing (?:file |destination )?operand)"),
    ("deprecated option", r"(?i)option '?(?P<name>--?[\w-]+)'? (?:is|has been) (?:removed|deprecated)"),
    ("been removed", r"(?P<name>'?--?[\w-]+'?)(?: option)? (?:has been|was) removed"),
    ("too many arguments", r"(?i)(?P<name>too many arguments)\.?$"),
)  # fmt: skip


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    found = failure.log.find(*_SIGNS, last=25)
    if found is None:
        return None
    return Cause(
        "unknown-option",
        f"a program does not understand its command line: {quoted(found.string)}",
        "it is of another version than the command was written for; Alpine's are busybox's, often",
        "look at the program's `--help` in this base, or pin its version",
    )
