"""MS510: an account needs no password, or several users are one.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from jettison.analysis.users import Account, accounts
from jettison.check.instructions import inserted, usable
from jettison.check.rule import Rule
from jettison.check.subject import Subject
from jettison.findings.finding import Finding, Fix, FixKind, Severity

_FILES = ("/etc/shadow", "/etc/passwd")
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
_MOST = 20


class MS510(Rule):
    r"""An account has no password, or two accounts have the same user id.

    ## What it does
    Reads `/etc/passwd` and `/etc/shadow` of the final image. An account whose password is empty
    is an error if the build wrote the file, and a note if the base image has it so. Accounts that
    share a user id are a warning, or a note.

    ## Why is this bad
    With an empty password `su` makes everyone root, whatever USER says. Accounts that share an id
    own each other's files, and root's twin is root.

    ## Example
        FROM debian
        RUN passwd -d root
        USER 65532:65532

    ## Use instead
        FROM debian
        RUN passwd -l root
        USER 65532:65532
    """

    id = "MS510"
    title = "Accounts have passwords or are locked, and ids of their own"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield a finding for each account without a password, and for each id of several."""
        users = subject.image.fact(accounts).users
        empty = [user for user in users if not user.password]
        for user in empty[:_MOST]:
            yield self._without_password(subject, user)
        by_id: dict[int, list[str]] = {}
        for user in users:
            names = by_id.setdefault(user.uid, [])
            if user.name not in names:
                names.append(user.name)
        shared = [(uid, names) for uid, names in by_id.items() if len(names) > 1]
        for uid, names in shared[:_MOST]:
            is_new = subject.is_new(_FILES[1])
            yield self.finding(
                Severity.WARNING if is_new else Severity.NOTE,
                f"{' and '.join(names[:3])} have the same user id {uid}",
                span=subject.span_of(_FILES[1]),
                path=_FILES[1],
                stage=subject.final.label,
            )

    def _without_password(self, subject: Subject, user: Account) -> Finding:
        files = subject.image.files
        path = next((path for path in _FILES if files.find(path) is not None), _FILES[1])
        span = subject.span_of(path)
        is_plain = files.find("/bin/sh") is not None and _PLAIN.fullmatch(user.name)
        lock = f"RUN sed -i 's/^{user.name}::/{user.name}:!:/' {path}" if is_plain else ""
        return self.finding(
            Severity.ERROR if subject.is_new(path) else Severity.NOTE,
            f"account `{user.name}` has an empty password",
            span=span,
            path=path,
            stage=subject.final.label,
            cause=(f"{path} has the line `{user.name}::…`",),
            fixes=usable(
                subject,
                inserted(span, lock, subject) if lock else None,
                Fix(FixKind.ADVICE, f"lock it: `passwd -l {user.name}`"),
            ),
        )
