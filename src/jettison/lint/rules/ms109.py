"""MS109: what a stage compiles does not fit the image that it is copied to.

In:  a ``LintFile``.
Out: findings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from jettison.findings.finding import Finding
from jettison.findings.fix import advice
from jettison.frontend.dockerfile.commands import compiles_native, manager_of
from jettison.frontend.dockerfile.shell import commands, script_of
from jettison.frontend.dockerfile.syntax import Copy, Env, Run
from jettison.lint.bases import BaseGuess, guess
from jettison.lint.file import LintFile, LintStage
from jettison.lint.graph import lineage, readings
from jettison.lint.own import OwnRule

_STATIC = r"CGO_ENABLED=['\"]?0|-static\b|\bmusl\b|--target[= ]\S*musl"
_PLAIN = (
    r"(?i)\.(?:jar|war|ear|html?|js|css|json|ya?ml|toml|conf|txt|md|crt|pem|py|php|rb|sh|dll|pdb|proto)$"
    r"|(?:^|/)(?:dist|static|public|html|www|assets|site|docs?|zoneinfo|certs|ssl|target/[\w.*-]+\.jar|_site)(?:/|$)"
    r"|^/etc/"
)
_PYTHON = r"site-packages|(?:^|/)\.?v?env(?:/|$)|/lib/python|^/(?:root/)?\.local|^/install"
_STATIC_ON_MUSL = frozenset({"golang", "rust"})
"""Images whose compilers make static programs where the C library is musl."""


class MS109(OwnRule):
    r"""What a stage compiles does not fit the image that it is copied to.

    ## What it does
    Compares the image that a stage compiles on with the one that it is copied to, by their names:
    glibc and musl, a newer release of Debian, Ubuntu or RHEL and an older one, versions of
    Python and Node. It says nothing of what is linked statically or what no machine runs
    directly. A build leaves this rule out: there, the files themselves are looked at.

    ## Why is this bad
    The program does not start: `not found`, `GLIBC_2.38 not found`, `No module named …`.

    ## Example
        FROM rust:1.80-trixie AS build
        RUN cargo build --release
        FROM debian:bookworm-slim
        COPY --from=build /src/target/release/app /usr/bin/app

    ## Use instead
        FROM rust:1.80-bookworm AS build
        RUN cargo build --release
        FROM debian:bookworm-slim
        COPY --from=build /src/target/release/app /usr/bin/app
    """

    name = "MS109"
    description = "Programs are compiled on what they run on"
    guesses = True

    def check(self, file: LintFile) -> Iterable[Finding]:
        """Yield copies from a stage on an image that does not fit."""
        for stage in file.checked_stages:
            here = guess(lineage(stage)[0].image)
            if here is None:
                continue
            seen: set[int] = set()
            for reading in readings(file, stage):
                source, copy = reading.stage, reading.instruction
                if source is None or source.index in seen or not isinstance(copy, Copy):
                    continue
                there = guess(lineage(source)[0].image)
                if there is None:
                    continue
                cause = _disagreement(source, there, here, copy)
                if cause:
                    seen.add(source.index)
                    yield self.found(
                        f"What `{source.label}` makes may not run in `{stage.label}`",
                        copy.span,
                        cause=(
                            f"`{source.label}` is on {lineage(source)[0].image}: {cause[0]}",
                            f"`{stage.label}` is on {lineage(stage)[0].image}: {cause[1]}",
                        ),
                        fixes=advice("use the same release for both, or link statically"),
                        stage=stage.label,
                    )


def _disagreement(
    source: LintStage, there: BaseGuess, here: BaseGuess, copy: Copy
) -> tuple[str, str] | None:
    """Return what is there and what is here, None if they go together."""
    paths = [path for path in copy.sources if not re.search(_PLAIN, path)]
    if not paths:
        return None
    python = any(re.search(_PYTHON, path) for path in paths)
    node = any("node_modules" in path for path in paths)
    if python and (versions := _other_versions(there, here, "python", 2)):
        return versions
    if node and (versions := _other_versions(there, here, "node", 1)):
        return versions
    if not _makes_native(source, interpreted=python or node):
        return None
    if there.libc and here.libc and there.libc != here.libc:
        static = there.libc == "musl" and there.name in _STATIC_ON_MUSL
        return None if static else (there.libc, here.libc)
    if here.glibc != (0, 0) and there.glibc > here.glibc:
        return f"glibc {_version(there)}", f"glibc {_version(here)}"
    return None


def _other_versions(
    there: BaseGuess, here: BaseGuess, name: str, parts: int
) -> tuple[str, str] | None:
    """Return the versions of a language if both images name one, and not the same."""
    versions = [each.version.split(".")[:parts] for each in (there, here)]
    if there.name != name or here.name != name or any(len(each) < parts for each in versions):
        return None
    if versions[0] == versions[1] or not (there.version and here.version):
        return None
    return f"{name} {'.'.join(versions[0])}", f"{name} {'.'.join(versions[1])}"


def _version(base: BaseGuess) -> str:
    return ".".join(map(str, base.glibc))


def _makes_native(stage: LintStage, *, interpreted: bool) -> bool:
    """Tell whether a stage compiles for a machine and does not link statically.

    Args:
        stage: It.
        interpreted: Whether what is copied are packages of Python or Node, which may be compiled.
    """
    native = False
    for each in lineage(stage):
        for instruction in each.instructions:
            if isinstance(instruction, Run | Env) and re.search(_STATIC, instruction.original):
                return False
            if isinstance(instruction, Run):
                for words in commands(script_of(instruction)):
                    native |= compiles_native(words)
                    native |= interpreted and manager_of(words) is not None
    return native
