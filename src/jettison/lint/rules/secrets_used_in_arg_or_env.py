"""SecretsUsedInArgOrEnv: secrets in ARG and ENV.

In:  a ``LintFile``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.findings.finding import Finding
from jettison.frontend.dockerfile.syntax import Arg, Env, Instruction
from jettison.frontend.dockerfile.text import quote
from jettison.lint.file import LintFile
from jettison.lint.rule import Rule

_SECRET = frozenset(
    {"apikey", "auth", "credential", "credentials", "key", "password", "pword", "passwd", "psw"}
    | {"secret", "token"}
)
_HARMLESS = frozenset({"public", "file", "version"})


class SecretsUsedInArgOrEnv(Rule):
    r"""Secrets in ARG and ENV.

    ## What it does
    Finds ARG and ENV variables whose names are those of passwords, keys or tokens.

    ## Why is this bad
    Their values stay in the config and in the history of the image, for everyone who pulls
    it.

    ## Example
        ARG API_TOKEN
        RUN fetch --token "$API_TOKEN"

    ## Use instead
        RUN --mount=type=secret,id=token,env=API_TOKEN fetch --token "$API_TOKEN"
    """

    name = "SecretsUsedInArgOrEnv"
    description = "Secrets come by mounts, not by ARG and ENV"
    hadolint = frozenset({"DL3064"})

    def check(self, file: LintFile) -> Iterable[Finding]:
        """Yield variables whose name is that of a secret."""
        for stage in file.checked_stages:
            for instruction in stage.written:
                for name in _names(instruction):
                    words = frozenset(name.lower().split("_"))
                    if words & _SECRET and not words & _HARMLESS:
                        yield self.finding(
                            "Do not use ARG or ENV instructions for sensitive data "
                            f"({instruction.name} {quote(name)})",
                            instruction.span,
                        )


def _names(instruction: Instruction) -> list[str]:
    match instruction:
        case Arg(items=items):
            return [item.key for item in items]
        case Env(pairs=pairs):
            return [pair.key for pair in pairs]
        case _:
            return []
