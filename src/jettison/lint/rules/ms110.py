"""MS110: arguments that are not declared where they are used.

In:  a ``LintFile``.
Out: findings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from jettison.findings.finding import Finding, Fix, FixKind
from jettison.frontend.dockerfile.scope import PROXY_NAMES
from jettison.frontend.dockerfile.shell import (
    reads_other_scripts,
    script_of,
    set_variables,
    used_variables,
)
from jettison.frontend.dockerfile.syntax import Arg, Cmd, Entrypoint, Env, Run, Shell
from jettison.lint.bases import OFFICIAL, guess
from jettison.lint.file import LintFile, LintStage, LintStep
from jettison.lint.graph import lineage
from jettison.lint.own import OwnRule

_OF_IMAGES = (
    r"(?:NODE|YARN|PYTHON|GOLANG|GO|RUBY|RUST|PHP|JAVA|NGINX|NJS|PKG|ERLANG|OTP|ELIXIR|DOTNET|ASPNET|PG"
    r"|MYSQL|MARIADB|REDIS|GRADLE|MAVEN|HTTPD|TOMCAT|CADDY|PERL|SWIFT|JULIA|GCC)(?:_\w+)?"
)
"""Variables that official images have."""

_POSIX = r"(?:^|/)(?:ba|da|a|k|z)?sh$"


class MS110(OwnRule):
    r"""Arguments that are not declared where they are used.

    ## What it does
    Finds commands of RUN that use an argument which is declared before the first FROM, in
    another stage only, or nowhere though every build has it (`TARGETARCH` …); and CMD and
    ENTRYPOINT that use an argument as a variable. Variables that the command sets itself, or
    that the base image has, are fine.

    ## Why is this bad
    An argument is seen only in the stage that declares it, below its ARG, and not by containers.
    The shell takes a variable that nobody sets for empty, and the build goes on.

    ## Example
        ARG APP_VERSION=1.2
        FROM debian:12
        RUN curl -fO https://example.org/app-$APP_VERSION.tgz

    ## Use instead
        ARG APP_VERSION=1.2
        FROM debian:12
        ARG APP_VERSION
        RUN curl -fO https://example.org/app-$APP_VERSION.tgz
    """

    name = "MS110"
    description = "Arguments are declared in the stage that uses them"

    def check(self, file: LintFile) -> Iterable[Finding]:
        """Yield commands that use an argument which they do not see."""
        elsewhere = _declared(file)
        for stage in file.checked_stages:
            base = guess(lineage(stage)[0].image)
            official = base is None or base.name in OFFICIAL
            if stage.facts is None and not official:
                continue
            seen: set[str] = set()
            for step in stage.steps if _is_posix(stage) else ():
                for name in _unseen(step, elsewhere):
                    known = stage.facts is not None or not re.fullmatch(_OF_IMAGES, name)
                    if known and name not in seen:
                        seen.add(name)
                        yield self._undeclared(stage, step, name, elsewhere[name])
            yield from self._at_run_time(stage)

    def _undeclared(self, stage: LintStage, step: LintStep, name: str, line: int) -> Finding:
        span = step.instruction.span
        below = stage.instructions[-1].span.line
        if not line:
            cause = "builds have this argument, and stages that declare it see it"
        elif span.line < line <= below:
            cause = f"the argument is declared further down, at line {line}"
        else:
            cause = f"the argument of line {line} is not seen in this stage"
        return self.found(
            f"`${name}` is empty here: no ARG or ENV of the stage `{stage.label}` has it",
            span,
            cause=(cause,),
            fixes=(Fix(FixKind.INSERT, f"ARG {name}", span.line - 1),),
            stage=stage.label,
        )

    def _at_run_time(self, stage: LintStage) -> Iterable[Finding]:
        """Yield commands of containers that use what only a build has."""
        arguments, variables = set(), set()
        for each in lineage(stage):
            for instruction in each.runs:
                if isinstance(instruction, Arg):
                    arguments |= {item.key for item in instruction.items}
                elif isinstance(instruction, Env):
                    variables |= {pair.key for pair in instruction.pairs}
        for instruction in stage.instructions if _is_posix(stage) else ():
            if not isinstance(instruction, Cmd | Entrypoint) or instruction.command.is_json:
                continue
            text = instruction.command.text
            for name in used_variables(text):
                if name in arguments - variables - set_variables(text):
                    span = instruction.span
                    yield self.found(
                        f"`${name}` is an argument of the build: containers do not have it",
                        span,
                        fixes=(Fix(FixKind.INSERT, f"ENV {name}=${name}", span.line - 1),),
                        stage=stage.label,
                    )


def _declared(file: LintFile) -> dict[str, int]:
    """Return all arguments of a file with the line of their ARG, 0 for the predefined ones."""
    lines = dict.fromkeys(file.platform_values, 0)
    stages = (each for stage in file.stages for each in stage.instructions)
    for instruction in (*stages, *file.globals):
        if isinstance(instruction, Arg):
            lines.update({item.key: instruction.span.line for item in instruction.items})
    return lines


def _unseen(step: LintStep, elsewhere: Iterable[str]) -> list[str]:
    run = step.instruction
    if not isinstance(run, Run):
        return []
    script = script_of(run)
    if "$" not in script or reads_other_scripts(script):
        return []
    seen = {*step.values, *step.declared, *set_variables(script)}
    mounted = " ".join(run.mounts)
    return [
        name
        for name in used_variables(script)
        if name in elsewhere and name not in seen
        if name.lower() not in PROXY_NAMES and f"env={name}" not in mounted
    ]


def _is_posix(stage: LintStage) -> bool:
    shells = [
        each.argv[0] for below in lineage(stage) for each in below.runs if isinstance(each, Shell)
    ]
    return all(re.search(_POSIX, shell) for shell in shells)
