"""MS503: a variable holds a secret that the image's config or history shows.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from jettison.analysis.secrets.known import is_distinct
from jettison.analysis.secrets.names import is_secret_name, may_be_secret
from jettison.analysis.secrets.patterns import find_secrets, may_have_secrets
from jettison.check.rule import Rule
from jettison.check.subject import Subject
from jettison.check.written import own_instructions, removal, replacement, text_of
from jettison.errors import Span
from jettison.findings.finding import Finding, Fix, Severity
from jettison.findings.fix import advice
from jettison.frontend.dockerfile.syntax import Arg, Env, From, Instruction, Run

_AT_RUN_TIME = "set it when the container starts: `run -e NAME`, or a secret of the orchestrator"


class MS503(Rule):
    r"""A variable shows a secret.

    ## What it does
    Finds variables of ENV and ARG whose name says that they are secret (`API_TOKEN`,
    `DB_PASSWORD`), or whose value looks like a token, where the image really shows a value: in its
    environment, or in its history, which has the build arguments of every RUN behind their ARG.
    Empty values, paths, variables and placeholders are no finding, nor are names such as `GPG_KEY`,
    `AWS_ACCESS_KEY_ID` and `TOKEN_URL`.

    The rule `SecretsUsedInArgOrEnv` warns of the names in the text, whatever the values are.

    ## Why is this bad
    `inspect` and `history` show config and history to everybody who can pull the image.

    ## Example
        FROM alpine
        ARG API_TOKEN
        RUN wget --header "Authorization: Bearer $API_TOKEN" https://example.com/data

    ## Use instead
        FROM alpine
        RUN --mount=type=secret,id=API_TOKEN,env=API_TOKEN \
            wget --header "Authorization: Bearer $API_TOKEN" https://example.com/data
    """

    id = "MS503"
    title = "No variable of the image shows a secret"
    hadolint = frozenset({"DL3064"})

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield one error for each variable, a warning for an image from elsewhere."""
        own = own_instructions(subject.record)
        shown = dict(_arguments(subject.history))
        seen: set[str] = set()
        for instruction in own:
            for name in _names(instruction):
                is_env = isinstance(instruction, Env)
                value = (subject.environment if is_env else shown).get(name, "")
                if name in seen or not _is_secret(name, value):
                    continue
                seen.add(name)
                place = "environment" if is_env else "history"
                fixes = _fixes(subject, own, instruction, name)
                yield self._finding(Severity.ERROR, name, value, place, instruction.span, fixes)
        if own or subject.was_built:
            return
        for name, value in {**shown, **subject.environment}.items():
            if _is_secret(name, value):
                place = "environment" if name in subject.environment else "history"
                yield self._finding(
                    Severity.WARNING, name, value, place, None, advice(_AT_RUN_TIME)
                )

    def _finding(
        self,
        severity: Severity,
        name: str,
        value: str,
        place: str,
        span: Span | None,
        fixes: tuple[Fix, ...],
    ) -> Finding:
        return self.finding(
            severity,
            f"the image's {place} shows the value of `{name}`",
            span=span,
            cause=(f"the value has {len(value.encode())} bytes",),
            fixes=fixes,
        )


def _is_secret(name: str, value: str) -> bool:
    data = value.encode()
    is_named = is_secret_name(name) and is_distinct(data)
    if not (is_named or may_have_secrets(data)) or not may_be_secret(value):
        return False
    return is_named or any(found.is_certain for found in find_secrets(data))


def _names(instruction: Instruction) -> list[str]:
    match instruction:
        case Arg(items=items):
            return [item.key for item in items]
        case Env(pairs=pairs):
            return [pair.key for pair in pairs]
        case _:
            return []


def _arguments(history: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield build arguments that a history shows: ``RUN |1 NAME=value /bin/sh -c …``."""
    for text in history:
        count = re.match(r"(?:RUN )?\|(\d{1,3}) ", text)
        if count is not None:
            words = text[count.end() :].split(" ")
            named = [each for each in words if re.match(r"[A-Za-z_]\w*=", each)][: int(count[1])]
            yield from ((name, value) for name, _, value in (each.partition("=") for each in named))
        elif text.startswith(("ARG ", "ENV ")) and "=" in text:
            name, _, value = text[4:].partition("=")
            yield name, value


def _fixes(
    subject: Subject, own: Sequence[Instruction], instruction: Instruction, name: str
) -> tuple[Fix, ...]:
    """Return what ends it: a secret for the RUNs that use an ARG, no ENV."""
    if isinstance(instruction, Env):
        if len(instruction.pairs) == 1:
            return (removal(instruction.span), *advice(_AT_RUN_TIME))
        return advice(_AT_RUN_TIME)
    words = advice(
        f"give it as a secret: `RUN --mount=type=secret,id={name},env={name}`, `--secret id={name}`"
    )
    users = [each for each in _after(own, instruction) if _uses(each, name)]
    if len(_names(instruction)) != 1 or any(not isinstance(each, Run) for each in users):
        return words
    if not users:
        return (removal(instruction.span), *words)
    last = users[-1].span
    lines = text_of(subject.record, Span(instruction.span.line, end_line=last.end_line)).split("\n")
    begin = instruction.span.line
    for each in users:
        at = each.span.line - begin
        lines[at] = re.sub(
            r"(?i)^(\s*RUN)\b", rf"\1 --mount=type=secret,id={name},env={name}", lines[at], count=1
        )
    own_lines = max(instruction.span.line, instruction.span.end_line) - begin + 1
    edited = "\n".join(lines[own_lines:])
    return (replacement(Span(begin, end_line=last.end_line), edited), *words)


def _after(own: Sequence[Instruction], instruction: Instruction) -> list[Instruction]:
    """Return the instructions behind one in its stage."""
    rest = list(own[own.index(instruction) + 1 :])
    ends = [at for at, each in enumerate(rest) if isinstance(each, From)]
    return rest[: ends[0]] if ends else rest


def _uses(instruction: Instruction, name: str) -> bool:
    return re.search(rf"\$\{{?{re.escape(name)}\b", instruction.original) is not None
