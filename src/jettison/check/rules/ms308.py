"""MS308: a script cannot be executed, since its first line names no interpreter that is there.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from contextlib import suppress
from posixpath import basename, dirname

from jettison.analysis.entry.reached import How, Problem, Use
from jettison.analysis.entry.search import find_program, lookup_context
from jettison.analysis.files import Files
from jettison.analysis.shebang import HEAD_BYTES, Script, env_call, script_of
from jettison.check.instructions import inserted, replaced, usable
from jettison.check.layer_facts import LayerFact, Marks
from jettison.check.layers import own_entries
from jettison.check.links import is_in_venv, is_of_venv
from jettison.check.missing import statement
from jettison.check.rule import Rule
from jettison.check.subject import Subject
from jettison.check.written import exec_form
from jettison.findings.finding import Finding, Fix, FixKind, Severity
from jettison.fs.resolve import resolve

_OF_FILE = frozenset({Problem.NO_PROGRAM, Problem.NO_INTERPRETER, Problem.TOO_DEEP})
_PACKAGES = {"bash": "bash", "python3": "python3", "perl": "perl", "node": "nodejs", "ruby": "ruby"}
_MANAGERS = {
    "/sbin/apk": "apk add --no-cache",
    "/usr/bin/apt-get": "apt-get update && apt-get install -y --no-install-recommends",
    "/usr/bin/microdnf": "microdnf install -y",
    "/usr/bin/dnf": "dnf install -y",
}
_MOST = 20


class MS308(Rule):
    r"""The interpreter of a script is missing.

    ## What it does
    Reads the first line of the scripts that the image starts, and of those that the build put
    into directories of PATH, as the kernel does: the interpreter and one argument; of `env` also
    what that executes. It says so when the line ends as on Windows, when a file is neither a
    program nor begins with `#!`, and when `env -S` is used where `env` is busybox's, which has no
    `-S`.

    ## Why is this bad
    The kernel refuses to execute the script: `no such file or directory`, though the script is
    there, or `exec format error`.

    ## Example
        FROM alpine
        COPY --chmod=755 run.sh /
        ENTRYPOINT ["/run.sh"]

    where `run.sh` begins with `#!/bin/bash`

    ## Use instead
        FROM alpine
        RUN apk add --no-cache bash
        COPY --chmod=755 run.sh /
        ENTRYPOINT ["/run.sh"]
    """

    id = "MS308"
    title = "Scripts name an interpreter that is in the image"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield findings about scripts that are started, then about those on PATH."""
        seen = set()
        for use in subject.reached.problems():
            script = _script(use)
            if script in seen or not script:
                continue
            if use.link and is_of_venv(subject.image.files, use.link):
                continue
            if "python" in use.name and is_in_venv(subject.image.files, script):
                continue
            seen.add(script)
            if use.is_certain:
                yield self._finding(subject, script, use, Severity.ERROR)
        for script in _on_path(subject):
            if script in seen or len(seen) >= _MOST:
                continue
            problem = _problem(subject, script)
            if problem is not None:
                seen.add(script)
                yield self._finding(subject, script, problem, Severity.WARNING)

    def _finding(self, subject: Subject, script: str, use: Use, severity: Severity) -> Finding:
        head = subject.image.files.read(script, HEAD_BYTES, whole=False) or b""
        first = script_of(head)
        return self.finding(
            severity,
            f"{script} cannot be executed: {_reason(use, first)}",
            span=subject.span_of(script),
            path=script,
            stage=subject.final.label,
            cause=(f"it begins with `{_shown(first)}`",) if first is not None else (),
            fixes=usable(subject, *_fixes(subject, script, use, first)),
        )


def _script(use: Use) -> str:
    """Return the script whose first line is to blame; empty if that is not the problem."""
    if use.problem in _OF_FILE:
        return use.path
    return use.by if use.how is How.INTERPRETER else ""


def _reason(use: Use, script: Script | None) -> str:
    if script is not None and script.has_carriage_return:
        return "its first line ends with a carriage return, which is part of the name then"
    name = use.name.removeprefix("./")
    match use.problem:
        case Problem.NO_PROGRAM:
            return "it is no program, and has no first line that names an interpreter"
        case Problem.NO_INTERPRETER:
            return "its first line names no interpreter"
        case Problem.TOO_DEEP:
            return "more than 4 interpreters in a row are scripts"
        case Problem.NO_SPLIT:
            return f"{name} is busybox's here, which has no `-S`"
        case Problem.MISSING:
            return f"its interpreter `{name}` is not in the image"
        case _:
            return f"its interpreter `{name}` cannot be executed"


def _shown(script: Script) -> str:
    return script.text.replace("\r", "\\r")


def _on_path(subject: Subject) -> Iterator[str]:
    """Yield the scripts that the build put into directories of PATH."""
    files = subject.image.files
    places = set()
    for directory in lookup_context(subject.config).directories:
        with suppress(OSError):
            places.add(resolve(files, directory).rstrip("/") if directory[:1] == "/" else "")
    for entry in own_entries(subject, _directly_in(places)):
        found = files.find(entry.path)
        st = files.lstat(found) if found is not None else None
        if found is not None and st is not None and st.mode & 0o111:
            yield found


def _directly_in(places: set[str]) -> LayerFact[list[int]]:
    """Return the fact what a layer has directly in directories."""
    prefixes = tuple(f"{each}/" for each in sorted(places))
    return Marks(
        f"in {prefixes!a}",
        lambda path, _mode: path.startswith(prefixes) and dirname(path) in places,
    )


def _problem(subject: Subject, path: str) -> Use | None:
    """Return what is wrong with the interpreter of a script; None if nothing is, or it is none."""
    program = subject.image.programs.find(path)
    if not isinstance(program, Script) or program.is_template or not program.interpreter:
        return None
    context = lookup_context(subject.config)
    name = program.interpreter
    found = find_program(subject.image.files, name, context)
    if found is not None and found.problem is None and basename(name) == "env":
        call = env_call(program.argument)
        if not call.words or not call.is_known or call.path is not None:
            return None
        name = call.words[0]
        found = find_program(subject.image.files, name, context)
    if found is None or found.problem is None:
        return None
    use = next(iter(subject.reached.uses), None)
    command = use.command if use is not None else None
    return None if command is None else Use(command, How.INTERPRETER, name, problem=found.problem)


def _fixes(subject: Subject, path: str, use: Use, script: Script | None) -> Iterator[Fix | None]:
    files = subject.image.files
    span = subject.span_of(path)
    has_shell = files.find("/bin/sh") is not None
    quoted = shlex.quote(path)
    if script is not None and script.has_carriage_return:
        if has_shell:
            yield inserted(span, f"RUN sed -i 's/\\r$//' {quoted}", subject)
        yield Fix(FixKind.ADVICE, f"save {basename(path)} with line ends of Unix")
    elif use.problem is Problem.NO_PROGRAM:
        yield _with_shell(subject, use) if has_shell else None
        yield Fix(FixKind.ADVICE, f"begin {basename(path)} with `#!/bin/sh`")
    elif use.problem is Problem.NO_SPLIT and script is not None:
        yield _without_env(subject, path, script) if has_shell else None
        yield inserted(None, "RUN apk add --no-cache coreutils", subject)
    elif use.problem is Problem.MISSING:
        name = use.name.removeprefix("./")
        other = _elsewhere(subject, basename(name))
        if other and has_shell and "/" in name:
            text = f"RUN mkdir -p {shlex.quote(dirname(name))} && ln -s {other} {shlex.quote(name)}"
            yield inserted(span, text, subject)
        yield _installed(files, basename(name), subject)
        yield Fix(FixKind.ADVICE, f"have {basename(path)} name an interpreter that is there")


def _with_shell(subject: Subject, use: Use) -> Fix | None:
    """Return ENTRYPOINT or CMD with a shell that reads the file."""
    found = statement(subject, use.command)
    if found is None or found.command is None or use.how is not How.STARTED:
        return None
    if not found.command.is_json or not found.command.words:
        return None
    words = ["/bin/sh", use.via, *found.command.words[1:]]
    head = found.original.partition("[")[0].rstrip()
    return replaced(found.span, f"{head} {exec_form(words)}")


def _without_env(subject: Subject, path: str, script: Script) -> Fix | None:
    """Return what has a script name its interpreter itself, which takes one argument only."""
    call = env_call(script.argument)
    found = find_program(
        subject.image.files, "".join(call.words[:1]), lookup_context(subject.config)
    )
    if len(call.words) > 2 or found is None or found.problem is not None or call.path is not None:
        return None
    line = " ".join((f"#!{found.via}", *call.words[1:]))
    text = f"RUN sed -i {shlex.quote(f'1s|.*|{line}|')} {shlex.quote(path)}"
    return inserted(subject.span_of(path), text, subject)


def _elsewhere(subject: Subject, name: str) -> str:
    """Return the path of a program of a name on PATH; empty if there is none."""
    found = find_program(subject.image.files, name, lookup_context(subject.config))
    return found.via if found is not None and found.problem is None else ""


def _installed(files: Files, name: str, subject: Subject) -> Fix | None:
    package = _PACKAGES.get(name)
    for program, command in _MANAGERS.items():
        if package is not None and files.find(program) is not None:
            return inserted(None, f"RUN {command} {package}", subject)
    return None
