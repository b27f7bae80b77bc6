"""Java: classes newer than the runtime, and modules that it lacks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jettison.analysis.entry.reached import Use
from jettison.analysis.java.command import java_start
from jettison.analysis.java.program import JavaProgram, NeededClass, java_program
from jettison.analysis.java.runtime import JavaRuntime, java_runtime
from jettison.check.runtimes.problem import Problem, other_base
from jettison.check.subject import Subject
from jettison.findings.finding import Fix, FixKind, Severity
from jettison.findings.fix import advice

_MAX_ARGUMENTS = 64 << 10
_OPTIONS = ("JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS")
_ADD_MODULES = re.compile(r"(--add-modules[ =])(\S+)")
_JAVAC = re.compile(r"\bjavac\b(?!.*--release)")


def java_problems(subject: Subject, use: Use) -> Iterator[Problem]:
    """Yield what a program that ``java`` starts lacks."""
    files = subject.image.files
    runtime = java_runtime(files, use.path)
    directory = subject.config.working_dir or "/"

    def read(path: str) -> str:
        at = path if path.startswith("/") else f"{directory}/{path}"
        data = files.read(at, _MAX_ARGUMENTS, whole=False)
        return (data or b"").decode("utf-8", "replace")

    options = " ".join(subject.environment.get(each, "") for each in _OPTIONS)
    start = java_start(use.arguments, options, read)
    if runtime is None or start is None:
        return
    program = java_program(files, start, directory)
    for each in program.classes:
        needed = each.file
        if runtime.java and needed.java > runtime.java:
            yield _newer(subject, runtime, each)
            return
        if needed.preview and runtime.java and needed.java != runtime.java:
            yield _newer(subject, runtime, each)
            return
    if runtime.modules:
        yield from _modules(subject, use, runtime, program)


def _newer(subject: Subject, runtime: JavaRuntime, needed: NeededClass) -> Problem:
    java = needed.file.java
    copied = subject.copied(needed.place)
    cause = [f"class {needed.name} was compiled for Java {java}"]
    if copied is not None:
        cause[0] += f" in `{copied.name}`"
    cause.append(f"{runtime.home} is Java {runtime.version}")
    return Problem(
        Severity.ERROR,
        f"{needed.place} is for Java {java}, and the image has Java {runtime.java}",
        needed.place,
        tuple(cause),
        (
            *other_base(subject, str(runtime.java), str(java)),
            *_release(subject, needed.place, runtime.java),
            *advice(f"use a runtime of Java {java}, or compile with `--release {runtime.java}`"),
        ),
    )


def _release(subject: Subject, path: str, java: int) -> tuple[Fix, ...]:
    """Return the RUN that made an archive with ``javac``, with the version that it is to be for."""
    producer = subject.chain(path).producer
    lines = subject.record.source.split("\n")[max(producer.line - 1, 0) : producer.end_line]
    text = "\n".join(lines)
    if not producer.line or not _JAVAC.search(text):
        return ()
    changed = _JAVAC.sub(f"javac --release {java}", text)
    return (Fix(FixKind.REPLACE, changed, producer.line, producer.end_line),)


def _modules(
    subject: Subject, use: Use, runtime: JavaRuntime, program: JavaProgram
) -> Iterator[Problem]:
    for wanted, severity in ((program.requires, Severity.ERROR), (program.uses, Severity.WARNING)):
        absent = sorted(each for each in wanted if each not in runtime.modules)
        if not absent:
            continue
        path = wanted[absent[0]]
        names = ", ".join(absent)
        says = "module" if severity is Severity.ERROR else "main class"
        yield Problem(
            severity,
            f"{path} needs {names}, which the Java runtime of the image lacks",
            path,
            (
                f"its {says} needs {names}",
                f"{runtime.home} has {len(runtime.modules)} modules: it was made by `jlink`",
            ),
            (*_linked(subject, use.path, absent), *advice(f"add {names} to the runtime's modules")),
        )
        return


def _linked(subject: Subject, program: str, absent: list[str]) -> tuple[Fix, ...]:
    """Return the RUN that made the runtime with more modules."""
    producer = subject.chain(program).producer
    lines = subject.record.source.split("\n")[max(producer.line - 1, 0) : producer.end_line]
    text = "\n".join(lines)
    if not producer.line or _ADD_MODULES.search(text) is None:
        return ()
    changed = _ADD_MODULES.sub(lambda found: f"{found[0]},{','.join(absent)}", text, count=1)
    return (Fix(FixKind.REPLACE, changed, producer.line, producer.end_line),)
