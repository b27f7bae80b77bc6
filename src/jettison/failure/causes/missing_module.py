"""A program's own module, library or gem is not installed: `No module named`, `Cannot find module`."""

from __future__ import annotations

from jettison.errors import Cause
from jettison.failure.base import Failure, quoted

_SIGNS = (
    ("no module named", r"(?:ModuleNotFoundError|ImportError): No module named '?(?P<name>[\w.]+)"),
    ("no module named", r": No module named '?(?P<name>[\w.]+)'?\.?$"),
    ("cannot import name", r"ImportError: (?P<name>cannot import name .*)"),
    ("is a required", r"ImportError: (?P<name>.*)"),
    ("cannot find module", r"(?i)Error: Cannot find (?:module|package) ['\"](?P<name>@?[\w-][^'\"]*)"),
    ("can't resolve", r"Can't resolve '(?P<name>[^']+)'"),
    ("cannot load such file", r"cannot load such file -- (?P<name>\S+)"),
    ("can't locate", r"Can't locate (?P<name>\S+\.pm) in @INC"),
    ("class '", r"(?:Error:|Uncaught Error).*Class [\"'](?P<name>[^\"']+)[\"'] not found"),
    ("call to undefined function", r"Call to undefined function (?P<name>\S+)\(\)"),
    ("undefined function", r"undefined function:? (?P<name>\S+)"),
    ("cannot find package", r"cannot find package \"?(?P<name>[\w./-]+)"),
    ("no required module provides", r"no required module provides package (?P<name>[\w./-]+)"),
    ("could not find the local angular", r"(?P<name>)local Angular CLI|Could not find the '@angular"),
    ("could not find module", r"Could not find module ['`](?P<name>[\w.]+)"),
    ("there is no package called", r"there is no package called ['](?P<name>[\w.]+)"),
    ("cannot find: extension", r"requires (?:the )?(?P<name>ext-\w+|PHP extension \w+)"),
    ("is missing from your system", r"requires PHP extension (?P<name>\S+) .*missing from your system"),
    ("requested php extension", r"the requested PHP extension (?P<name>\w+) is missing"),
    ("unable to load dynamic library", r"Unable to load dynamic library '?(?P<name>[\w./-]+)"),
    ("noclassdeffounderror", r"NoClassDefFoundError: (?P<name>\S+)"),
    ("could not find or load main class", r"Could not find or load main class (?P<name>\S+)"),
    ("local gulp not found", r"Local (?P<name>gulp) not found"),
    ("unable to find local grunt", r"Unable to find local (?P<name>grunt)"),
    ("couldn't find preset", r"Couldn't find preset \"(?P<name>[^\"]+)\""),
    ("couldn't find the binary", r"Couldn't find the binary (?P<name>\S+)"),
    ("could not find generator", r"[Cc]ould not find (?:gem|generator) '?(?P<name>\S+)"),
    ("command \"", r"error Command \"(?P<name>[^\"]+)\" not found"),
    ("no rule to make target", r"No rule to make target ['`](?P<name>[^']+)'\.  Stop"),
    ("missing script", r"[Mm]issing script:? \"?(?P<name>[\w:.-]+)"),
    ("bundler: command not found", r"bundler: command not found: (?P<name>\S+)"),
    ("no such module", r"(?i)no such module:? '?(?P<name>[\w.]+)"),
    ("don't know how to build task", r"Don't know how to build task '(?P<name>[^']+)'"),
    ("there are no commands defined", r"There are no commands defined in the \"(?P<name>[^\"]+)\""),
    ("task '", r"Task '(?P<name>[^']+)' not found in"),
    ("is not in your gulpfile", r"Task '(?P<name>[^']+)' is not in your gulpfile"),
)  # fmt: skip


def explain(failure: Failure) -> Cause | None:
    """Return the cause if it is this one."""
    found = failure.log.find(*_SIGNS, last=50)
    if found is None:
        return None
    name = found["name"] or found.string.strip()
    if name.startswith((".", "/")):
        return Cause(
            "missing-module",
            f"a module of the project itself is not in the stage: {quoted(name)}",
            "a step sees what was copied before it; the ignore file hides some",
            "COPY it in an earlier instruction, or correct the path where it is imported",
        )
    if any(each in found.string for each in ("issing script", "ask '", "to make target")):
        return Cause(
            "missing-module",
            f"the project defines no {quoted(name)}",
            "the step runs a script or task that the project's file does not have",
            "correct its name, or COPY the file that defines it before",
        )
    return Cause(
        "missing-module",
        f"{quoted(name)} is not installed, or not in the version that is needed",
        "what is run imports it; no earlier step has installed it for this interpreter",
        "add it to the project's list of packages, or install it in an earlier step",
    )
