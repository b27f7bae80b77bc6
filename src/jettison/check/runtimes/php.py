"""PHP: Composer's packages that are not there, and a PHP that is too old for them."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from jettison.analysis.entry.reached import Use
from jettison.analysis.php import Autoload, autoload
from jettison.check.runtimes.problem import Problem, behind, other_base
from jettison.check.subject import Subject
from jettison.findings.finding import Fix, FixKind, Severity
from jettison.findings.fix import advice


def php_problems(subject: Subject, use: Use) -> Iterator[Problem]:
    """Yield what a PHP program's first file lacks."""
    files = subject.image.files
    directory = (subject.config.working_dir or "/").rstrip("/")
    for each in use.arguments:
        if each.startswith("-"):
            continue
        found = files.find(each if each.startswith("/") else f"{directory}/{each}")
        loads = autoload(files, found, subject.environment) if found is not None else None
        if loads is not None:
            yield from _of_file(subject, loads)
            return


def _of_file(subject: Subject, loads: Autoload) -> Iterator[Problem]:
    if not loads.is_there:
        yield _no_vendor(subject, loads)
        return
    if loads.php and loads.needs_php and loads.php < loads.needs_php:
        wanted, there = _text(loads.needs_php), _text(loads.php)
        yield Problem(
            Severity.ERROR,
            f"{loads.path} needs PHP {wanted}, and the image has {there}",
            loads.path,
            ("composer/platform_check.php ends the program where PHP is older",),
            other_base(subject, there[: there.rindex(".")], wanted[: wanted.rindex(".")])
            + advice(f"use an image with PHP {wanted}"),
        )
    for name, path in loads.absent[:1]:
        more = f" and {len(loads.absent) - 1} more" if len(loads.absent) > 1 else ""
        yield Problem(
            Severity.WARNING,
            f"package {name}{more} of Composer's list is not in the image",
            path,
            (f"installed.json beside {loads.path} names it",),
            advice("copy the whole `vendor` directory, or run `composer install`"),
        )


def _no_vendor(subject: Subject, loads: Autoload) -> Problem:
    vendor = posixpath.dirname(loads.path)
    copied = subject.copied(loads.file)
    for stage in subject.record.stages:
        root = subject.stage(stage.index) if stage.index != subject.record.target else None
        if root is None:
            continue
        places = [vendor]
        if copied is not None and copied.stage == stage.index:
            inside = posixpath.relpath(vendor, posixpath.dirname(loads.file))
            place = posixpath.join(posixpath.dirname(copied.source), inside)
            places.insert(0, posixpath.normpath(place))
        places += [each for each in ("/app/vendor",) if each not in places]
        for place in places:
            if root.files.find(f"{place}/autoload.php") is not None:
                text = f"COPY --from={stage.label} {place} {vendor}"
                return Problem(
                    Severity.ERROR,
                    f"{loads.file} loads {loads.path}, which is not in the image",
                    loads.file,
                    (f"stage `{stage.label}` has it in {place}, not copied",),
                    (Fix(FixKind.INSERT, text, behind(subject, loads.file)),),
                )
    return Problem(
        Severity.WARNING,
        f"{loads.file} loads {loads.path}, which is not in the image",
        loads.file,
        ("no stage has it",),
        advice("run `composer install --no-dev` in a stage, and copy its `vendor`"),
    )


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
