"""MS408: the runtime of a program's language is not the one that it needs.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from jettison.analysis.entry.reached import Use
from jettison.check.rule import Rule
from jettison.check.runtimes.dotnet import dotnet_problems
from jettison.check.runtimes.java import java_problems
from jettison.check.runtimes.php import php_problems
from jettison.check.runtimes.problem import Problem, place_of
from jettison.check.runtimes.ruby import ruby_problems
from jettison.check.subject import Subject
from jettison.findings.finding import Finding

_PHP = re.compile(r"php(?:-cli|-cgi)?(?:\d(?:\.\d+)?)?$")
_RUBY = re.compile(r"(?:ruby(?:\d(?:\.\d+)?)?|bundler?(?:\d(?:\.\d+)?)?)$")


class MS408(Rule):
    r"""The runtime of a program's language is not the one that it needs.

    ## What it does
    Compares programs that the image starts with the runtime that is there. Java: the version of the
    main class with that of the runtime, the modules that it needs with those that `jlink` left.
    .NET: the frameworks of `runtimeconfig.json` with those that are installed. Ruby: the gems of
    `Gemfile.lock` with the installed ones, where another stage has them. PHP: Composer's
    `vendor/autoload.php`, its packages, and the version of PHP that they ask for.

    ## Why is this bad
    The program ends at its start, with words such as `UnsupportedClassVersionError`, `You must
    install or update .NET`, `Could not find … in locally installed gems`, or `Failed opening
    required`.

    ## Example
        FROM eclipse-temurin:21 AS build
        COPY App.java .
        RUN javac App.java
        FROM eclipse-temurin:17-jre
        COPY --from=build /App.class /
        CMD ["java", "-cp", "/", "App"]

    ## Use instead
        FROM eclipse-temurin:21 AS build
        COPY App.java .
        RUN javac App.java
        FROM eclipse-temurin:21-jre
        COPY --from=build /App.class /
        CMD ["java", "-cp", "/", "App"]
    """

    id = "MS408"
    title = "The runtime of a program's language is the one that it needs"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield what programs lack."""
        seen: set[tuple[str, str]] = set()
        for use in subject.reached.uses:
            if use.problem is not None or not use.path:
                continue
            for problem in _problems(subject, use):
                if (problem.path, problem.detail) in seen:
                    continue
                seen.add((problem.path, problem.detail))
                yield self.finding(
                    problem.severity,
                    problem.detail,
                    span=place_of(subject, problem.path),
                    path=problem.path,
                    stage=subject.final.label,
                    cause=problem.cause,
                    fixes=problem.fixes,
                )


_Find = Callable[[Subject, Use], Iterator[Problem]]


def _problems(subject: Subject, use: Use) -> Iterator[Problem]:
    name = use.path.rpartition("/")[2]
    called = use.name.rpartition("/")[2]
    find: _Find | None = None
    if name == "java":
        find = java_problems
    elif _RUBY.match(called):
        find = ruby_problems
    elif _PHP.match(called):
        find = php_problems
    elif name == "dotnet" or f"{use.path}.runtimeconfig.json" in subject.image.files.entries:
        find = dotnet_problems
    return find(subject, use) if find is not None else iter(())
