""".NET: frameworks that are not installed."""

from __future__ import annotations

from collections.abc import Iterator

from jettison.analysis.dotnet import dotnet_program
from jettison.analysis.entry.reached import Use
from jettison.check.runtimes.problem import Problem, other_base
from jettison.check.subject import Subject
from jettison.findings.finding import Fix, FixKind, Severity
from jettison.findings.fix import advice

_WEB, _BASE = "Microsoft.AspNetCore.App", "Microsoft.NETCore.App"


def dotnet_problems(subject: Subject, use: Use) -> Iterator[Problem]:
    """Yield the frameworks that a program of .NET asks for and does not find."""
    files = subject.image.files
    directory = subject.config.working_dir or "/"
    path, host = use.path, ""
    if use.path.rpartition("/")[2] == "dotnet":
        named = next((each for each in use.arguments if not each.startswith("-")), "")
        found = files.find(named if named.startswith("/") else f"{directory}/{named}")
        if not named.endswith(".dll") or found is None:
            return
        path, host = found, use.path
    program = dotnet_program(files, path, host, subject.environment)
    if program is None:
        return
    for each in program.frameworks:
        if each.is_there:
            continue
        there = ", ".join(each.found) or "none"
        yield Problem(
            Severity.ERROR,
            f"{path} needs {each.name} {each.version}, which the image lacks",
            path,
            (f"{program.config} asks for it", f"{program.home}/shared/{each.name} has: {there}"),
            (
                *_fixes(subject, each.name, each.version, each.found),
                *advice(f"use an image with {each.name} {each.version}, or publish self-contained"),
            ),
        )


def _fixes(subject: Subject, name: str, version: str, found: tuple[str, ...]) -> tuple[Fix, ...]:
    wanted = ".".join(version.split(".")[:2])
    base = subject.final.base_name
    lines = subject.record.source.split("\n")
    if name == _WEB and not found and "/runtime" in base and subject.final.line <= len(lines):
        text = lines[subject.final.line - 1].replace("/runtime", "/aspnet", 1)
        return (Fix(FixKind.REPLACE, text, subject.final.line),)
    if found:
        return other_base(subject, ".".join(found[-1].split(".")[:2]), wanted)
    return ()
