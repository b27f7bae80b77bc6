"""MS207: USER may not execute or read what the image starts.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from jettison.analysis.entry.reached import How, Use
from jettison.analysis.shebang import Script
from jettison.analysis.users import Identity, Refusal, Right, accounts, identity, refusal
from jettison.check.instructions import inserted, usable, with_flag
from jettison.check.rule import Rule
from jettison.check.subject import Subject
from jettison.findings.finding import Finding, Fix, FixKind, Severity

_WORDS = {Right.EXECUTE: "execute", Right.READ: "read", Right.WRITE: "write"}


class MS207(Rule):
    r"""The user of the image may not execute or read what it starts.

    ## What it does
    For each file that the image starts or reads on the way, looks whether USER has the right to,
    and to search the directories above: by owner, group (also those of `/etc/group`) and mode.

    ## Why is this bad
    `permission denied`, when the container starts. COPY makes files of a context root's, with the
    mode that they have there, and keeps owner and mode of files of a stage.

    ## Example
        FROM debian
        COPY --chmod=700 run.sh /
        USER 65532:65532
        CMD ["/run.sh"]

    ## Use instead
        FROM debian
        COPY --chmod=755 run.sh /
        USER 65532:65532
        CMD ["/run.sh"]
    """

    id = "MS207"
    title = "The user of the image may execute and read what it starts"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield the first refusal on the way of each file."""
        who = identity(subject.image.fact(accounts), subject.config.user)
        if who is None or who.uid == 0:
            return
        seen = set()
        for use in subject.reached.uses:
            if not use.path or use.problem is not None:
                continue
            found = refusal(subject.image.files, use.via or use.path, who, _wanted(subject, use))
            if found is not None and found.path not in seen:
                seen.add(found.path)
                yield self._finding(subject, use, who, found)

    def _finding(self, subject: Subject, use: Use, who: Identity, found: Refusal) -> Finding:
        st, user = found.stat, subject.config.user
        verb = "search" if st.is_dir else _WORDS[found.right]
        return self.finding(
            Severity.ERROR if use.is_certain else Severity.WARNING,
            f"{use.command}: user `{user}` may not {verb} {found.path}",
            span=subject.span_of(found.path),
            path=found.path,
            stage=subject.final.label,
            cause=(
                f"it is {st.uid}:{st.gid}'s, with mode {st.mode & 0o7777:04o}",
                f"USER {user} is {who.uid}:{who.gid}",
            ),
            fixes=usable(subject, *_fixes(subject, found)),
        )


def _wanted(subject: Subject, use: Use) -> Right:
    """Return what a use needs: a script is read by its interpreter, too."""
    if use.how is How.READ:
        return Right.READ
    is_script = isinstance(subject.image.programs.find(use.path), Script)
    return Right.EXECUTE | (Right.READ if is_script else Right(0))


def _fixes(subject: Subject, found: Refusal) -> Iterable[Fix | None]:
    copied = subject.copied(found.path)
    if copied is not None and found.stat.is_file:
        mode = "755" if found.right is Right.EXECUTE or found.stat.mode & 0o111 else "644"
        yield with_flag(subject, copied.line, "chmod", mode)
    mode = "a+rx" if found.stat.is_dir or found.right is Right.EXECUTE else "a+r"
    if subject.is_new(found.path) and subject.image.files.find("/bin/sh") is not None:
        span = subject.span_of(found.path)
        yield inserted(span, f"RUN chmod {mode} {shlex.quote(found.path)}", subject)
    yield Fix(FixKind.ADVICE, f"give {found.path} to the user, or to all: `chmod {mode}`")
