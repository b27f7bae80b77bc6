"""MS107: compilers in the image.

In:  a ``LintFile``.
Out: findings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from jettison.findings.finding import Finding
from jettison.findings.fix import advice
from jettison.frontend.dockerfile.commands import (
    compiles_native,
    installed_packages,
    is_compiler,
    removes_packages,
)
from jettison.frontend.dockerfile.shell import commands, script_of
from jettison.frontend.dockerfile.syntax import Run
from jettison.lint.file import LintFile, LintStage
from jettison.lint.graph import lineage, targets_of_build
from jettison.lint.own import OwnRule

_FOR_PEOPLE = (
    r"(?:^|[-_.])(?:dev|devel|development|tests?|testing|debug|ci|build|builder)(?:$|[-_.])"
)


class MS107(OwnRule):
    r"""Compilers in the image.

    ## What it does
    Finds files of several stages whose target installs a compiler and does not remove it in the
    same RUN, or compiles. Targets called `dev`, `test`, `debug`, `ci` or `build` are left alone.

    ## Why is this bad
    Compilers, headers and sources are large, and they serve an attacker. The file has stages
    already, so what is compiled can come from one of them.

    ## Example
        FROM node:20 AS assets
        RUN npm ci && npm run build
        FROM debian:12-slim
        RUN apt-get update && apt-get install -y gcc make
        COPY --from=assets /dist /srv
        RUN make -C /srv/native install

    ## Use instead
        FROM node:20 AS assets
        RUN npm ci && npm run build
        FROM debian:12 AS native
        RUN apt-get update && apt-get install -y gcc make
        RUN make -C /srv/native install
        FROM debian:12-slim
        COPY --from=assets /dist /srv
        COPY --from=native /usr/local /usr/local
    """

    name = "MS107"
    description = "What is needed to build stays in a stage of its own"

    def check(self, file: LintFile) -> Iterable[Finding]:
        """Yield the first RUN of a target that installs a compiler and keeps it, or compiles."""
        if len(file.stages) < 2:
            return
        for target in targets_of_build(file):
            if re.search(_FOR_PEOPLE, target.first.stage_name):
                continue
            found = next(_reasons(target), None)
            if found is not None:
                run, what = found
                yield self.found(
                    f"The image `{target.label}` {what}",
                    run.span,
                    fixes=advice("do it in a stage of its own, and copy what it makes"),
                    stage=target.label,
                )


def _reasons(target: LintStage) -> Iterator[tuple[Run, str]]:
    runs = [
        each for stage in lineage(target) for each in stage.instructions if isinstance(each, Run)
    ]
    for run in runs:
        ran = commands(script_of(run))
        if any(map(removes_packages, ran)):
            continue
        for words in ran:
            compilers = [each for each in installed_packages(words) if is_compiler(each)]
            if compilers:
                yield run, f"gets a compiler: {', '.join(compilers[:4])}"
            elif compiles_native(words):
                yield run, f"is where `{' '.join(words)[:40]}` runs"
