"""Commands of an image that are not there: what ENTRYPOINT, CMD and HEALTHCHECK lead to.

In:  a ``Subject``, a ``Use`` of its ``reached`` that has a problem.
Out: words about it, fixes.
"""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator
from posixpath import basename, join

from jettison.analysis.entry.reached import Command, How, Problem, Use
from jettison.analysis.entry.search import DEFAULT_PATH, look, lookup_context
from jettison.analysis.files import Files
from jettison.check.instructions import (
    copy_from,
    inserted,
    last,
    replaced,
    stages_before,
    usable,
    with_flag,
    with_word,
)
from jettison.check.links import is_of_venv, left_behind
from jettison.check.rule import Rule
from jettison.check.subject import Subject
from jettison.check.written import exec_form
from jettison.errors import Span
from jettison.findings.finding import Finding, Fix, FixKind, Severity
from jettison.frontend.dockerfile.syntax import Cmd, Entrypoint, Healthcheck

_PROBLEMS = frozenset({Problem.MISSING, Problem.DIRECTORY, Problem.NOT_EXECUTABLE})
_SYNTAX = re.compile(r"[$`;&|<>(){}*?\[\]~#!\n]")
_EXECUTE = 0o111
_MAX_NAMES = 5_000
_LOCAL = "/usr/local/bin"
Statement = Cmd | Entrypoint | Healthcheck


def findings(rule: Rule, subject: Subject, commands: frozenset[Command]) -> list[Finding]:
    """Return the finding of a rule about the first thing that some commands fail at."""
    use = missing(subject, commands)
    if use is None:
        return []
    return [
        rule.finding(
            Severity.ERROR,
            f"{use.command}: {said(use)}",
            span=place(subject, use),
            path=path_of(subject, use) or use.by,
            stage=subject.final.label,
            cause=cause(subject, use),
            fixes=fixes(subject, use),
        )
    ]


def missing(subject: Subject, commands: frozenset[Command]) -> Use | None:
    """Return the first use that the start of an image fails at; None if there is none.

    Links of which another rule says more are left to it.
    """
    for use in subject.reached.problems():
        if use.command not in commands or not use.is_certain or use.problem not in _PROBLEMS:
            continue
        if use.how is How.INTERPRETER:
            return None
        if use.link and (
            is_of_venv(subject.image.files, use.link) or left_behind(subject, use.link) is not None
        ):
            return None
        return use
    return None


def statement(subject: Subject, command: Command) -> Statement | None:
    """Return the instruction that a use begins at."""
    kinds: dict[Command, type[Statement]] = {
        Command.ENTRYPOINT: Entrypoint,
        Command.CMD: Cmd,
        Command.HEALTHCHECK: Healthcheck,
    }
    return last(subject, kinds[command])


def place(subject: Subject, use: Use) -> Span | None:
    """Return what is to blame: the COPY of a file that is there, else what names it."""
    if use.path and use.problem is not Problem.DIRECTORY:
        return subject.span_of(use.path)
    if use.by:
        return subject.span_of(use.by)
    found = statement(subject, use.command)
    return None if found is None else found.span


def said(use: Use) -> str:
    """Return what is wrong, as the end of a sentence that begins with the command."""
    name = f"`{use.name}`"
    if use.by:
        name = f"{name} (line {use.line} of {use.by})"
    match use.problem:
        case Problem.DIRECTORY:
            return f"{name} is a directory"
        case Problem.NOT_EXECUTABLE:
            return f"{name} is not executable"
        case _ if use.how is How.READ:
            return f"`{use.name}` is to be read, and is not in the image"
        case _ if "/" in use.name:
            return f"{name} is not in the image"
        case _:
            return f"{name} is in no directory of PATH"


def cause(subject: Subject, use: Use) -> tuple[str, ...]:
    """Return what is known of it, a line each."""
    lines = []
    if use.link:
        lines.append(f"{use.link} is a link to {subject.image.files.readlink(use.link)}")
    if use.problem is Problem.NOT_EXECUTABLE:
        st = subject.image.files.lstat(use.path)
        lines.append(f"{use.path} has mode {(st.mode if st else 0) & 0o7777:04o}")
    elif "/" not in use.name and use.how is not How.READ:
        lines.append(f"PATH is {subject.environment.get('PATH', DEFAULT_PATH)}")
    elif not use.name.startswith("/"):
        lines.append(f"WORKDIR is {subject.config.working_dir or '/'}")
    return tuple(lines)


def path_of(subject: Subject, use: Use) -> str:
    """Return the path that a finding about a use is about; empty if that is on PATH."""
    if use.path or use.via:
        return use.path or use.via
    return join("/", subject.config.working_dir, use.name) if "/" in use.name else ""


def fixes(subject: Subject, use: Use) -> tuple[Fix, ...]:
    """Return what makes it be there."""
    if use.problem is Problem.NOT_EXECUTABLE:
        return usable(subject, *_executable(subject, use))
    found = [*_exec_form(subject, use), *_elsewhere(subject, use), *_copies(subject, use)]
    return usable(subject, *found, Fix(FixKind.ADVICE, _advice(use)))


def _advice(use: Use) -> str:
    if use.how is How.READ or "/" in use.name:
        return f"copy `{use.name}` into the image, or name the file that is there"
    return f"install `{use.name}` in the final stage, or name a program that is there"


def _executable(subject: Subject, use: Use) -> Iterator[Fix]:
    copied = subject.copied(use.path)
    fix = with_flag(subject, copied.line, "chmod", "755") if copied is not None else None
    if fix is not None:
        yield fix
    yield inserted(subject.span_of(use.path), f"RUN chmod +x {shlex.quote(use.path)}", subject)


def _exec_form(subject: Subject, use: Use) -> Iterator[Fix]:
    """Yield the exec form in the place of a shell form that has no shell."""
    found = statement(subject, use.command)
    if use.how is not How.STARTED or found is None or found.command is None:
        return
    text = " ".join(found.command.words)
    if found.command.is_json or _SYNTAX.search(text):
        return
    try:
        words = shlex.split(text)
    except ValueError:
        return
    head = found.original.partition(text)[0].rstrip()
    yield replaced(found.span, f"{head} {exec_form(words)}")


def _elsewhere(subject: Subject, use: Use) -> Iterator[Fix]:
    """Yield the name of the file with that name, or nearly that, which is in the image."""
    found = statement(subject, use.command)
    if found is None or found.command is None or use.by:
        return
    files = subject.image.files
    reads = use.how is How.READ
    names = list(_named(files, basename(use.name), reads=reads))
    names.sort(key=lambda path: (not subject.is_new(path), len(path)))
    for path in names[:1] or _nearly(subject, use):
        fix = with_word(found, found.command, use.name, path)
        if fix is not None:
            yield fix


def _named(files: Files, name: str, *, reads: bool) -> Iterator[str]:
    ending = f"/{name}"
    for path, st in files.entries.items():
        if path.endswith(ending) and st.is_file and (reads or st.mode & _EXECUTE):
            yield path


def _nearly(subject: Subject, use: Use) -> list[str]:
    """Return the name that is nearest to one which is not there."""
    files = subject.image.files
    if "/" not in use.name:
        directories = lookup_context(subject.config).directories
    else:
        directories = (path_of(subject, use).rpartition("/")[0],)
    paths = (path for directory in directories for path in files.below(directory or "/"))
    names = {
        basename(path): path
        for path in itertools.islice(paths, _MAX_NAMES)
        if use.how is How.READ or look(files, path).problem is None
    }
    import difflib  # noqa: PLC0415 - seldom needed

    near = difflib.get_close_matches(basename(use.name), names, 1, 0.8)
    return [names[name] if "/" in use.name else name for name in near]


def _copies(subject: Subject, use: Use) -> Iterator[Fix]:
    """Yield a COPY of the file from a stage that has it."""
    if use.how is How.STARTED and basename(use.name) in {"sh", "bash"}:
        return  # its libraries would be needed, too
    directories = subject.environment.get("PATH", DEFAULT_PATH).split(":")
    directory = _LOCAL if _LOCAL in directories else directories[0]
    wanted = path_of(subject, use) or join("/", directory, use.name)
    for name, files in stages_before(subject):
        found = files.find(wanted)
        others = sorted(_named(files, basename(wanted), reads=use.how is How.READ), key=len)
        for source in [found] if found is not None else others[:1]:
            yield inserted(None, copy_from(name, source, wanted), subject)
            return
