"""MS310: USER names nobody.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from jettison.analysis.entry.search import find_program, lookup_context
from jettison.analysis.rootfs import Rootfs
from jettison.analysis.users import accounts, identity
from jettison.check.instructions import copy_from, last, replaced, stages_before, usable
from jettison.check.rule import Rule
from jettison.check.subject import Subject
from jettison.errors import Span
from jettison.findings.finding import Finding, Fix, FixKind, Severity
from jettison.frontend.dockerfile.syntax import User

_NOBODY = "65532:65532"
_PLAIN = re.compile(r"[a-z_][a-z0-9_-]{0,30}")
_USER_MAKERS = {
    "useradd": "RUN useradd --uid {id} {name}",
    "adduser": "RUN adduser -D -u {id} {name}",
}
_GROUP_MAKERS = {
    "groupadd": "RUN groupadd --gid {id} {name}",
    "addgroup": "RUN addgroup -g {id} {name}",
}
_ROOT = frozenset({"", "0", "root"})


class MS310(Rule):
    r"""USER names a user or a group that the image does not have.

    ## What it does
    Looks up USER in `/etc/passwd` and `/etc/group` of the final image. A name that is in neither
    is an error. A number without an entry is a note.

    ## Why is this bad
    The container does not start: `unable to find user app: no matching entries in passwd file`.
    The user was made in another stage, mostly. With a number that has no entry, programs that ask
    for the name or the home of their user get no answer.

    ## Example
        FROM debian AS builder
        RUN useradd app
        COPY . /src

        FROM debian
        COPY --from=builder /src /src
        USER app

    ## Use instead
        FROM debian AS builder
        COPY . /src

        FROM debian
        RUN useradd --uid 1000 app
        COPY --from=builder /src /src
        USER 1000
    """

    id = "MS310"
    title = "USER names a user that the image has"
    hadolint = frozenset({"DL3066"})

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield one finding at most."""
        text = subject.config.user
        user, _, group = text.partition(":")
        known = subject.image.fact(accounts)
        who = identity(known, text)
        found = last(subject, User)
        span = None if found is None else found.span
        stage = subject.final.label
        if who is None:
            is_user = identity(known, user) is None
            what, file = (f"user `{user}`", "passwd") if is_user else (f"group `{group}`", "group")
            yield self.finding(
                Severity.ERROR,
                f"USER {text}: there is no {what} in the image",
                span=span,
                stage=stage,
                cause=(f"/etc/{file} of the image has {_names(subject, file)}",),
                fixes=usable(
                    subject,
                    *_fixes(subject, span, user if is_user else group, is_user=is_user),
                    Fix(FixKind.ADVICE, f"make the {what} in this stage"),
                ),
            )
        elif user not in _ROOT and not who.name:
            yield self.finding(
                Severity.NOTE,
                f"USER {text}: the user has no entry in /etc/passwd, so no name and no home",
                span=span,
                stage=stage,
            )


def _fixes(subject: Subject, span: Span | None, name: str, *, is_user: bool) -> Iterator[Fix]:
    """Yield what makes a user or group, or takes its file from a stage; then a number."""
    if span is None:
        return
    files = subject.image.files
    known = subject.image.fact(accounts)
    path = "/etc/passwd" if is_user else "/etc/group"
    if _PLAIN.fullmatch(name) and files.find(path) is not None:
        taken = {user.uid for user in known.users}
        free = next((number for number in range(1000, 60_000) if number not in taken), 65_532)
        makers = _USER_MAKERS if is_user else _GROUP_MAKERS
        for program, text in makers.items():
            found = find_program(files, program, lookup_context(subject.config))
            if found is not None and found.problem is None:
                yield Fix(FixKind.INSERT, text.format(id=free, name=name), span.line - 1)
                break
    elif files.find(path) is None:
        for stage, there in stages_before(subject):
            others = accounts(Rootfs(there))
            if any(each.name == name for each in (others.users if is_user else others.groups)):
                yield Fix(FixKind.INSERT, copy_from(stage, path, path), span.line - 1)
                break
    yield replaced(span, f"USER {_NOBODY}")


def _names(subject: Subject, file: str) -> str:
    known = subject.image.fact(accounts)
    names = [each.name for each in (known.groups if file == "group" else known.users)]
    if not names:
        return "no entry"
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(names[:8]) + more
