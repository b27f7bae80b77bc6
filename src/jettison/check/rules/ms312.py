"""MS312: the user of the image may not write to its volumes or its working directory.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from jettison.analysis.users import Identity, Right, accounts, identity, refusal
from jettison.check.instructions import instructions, last, usable
from jettison.check.rule import Rule
from jettison.check.subject import Subject
from jettison.errors import Span
from jettison.findings.finding import Finding, Fix, FixKind, Severity
from jettison.frontend.dockerfile.syntax import User, Volume, Workdir

_WRITE = Right.WRITE | Right.EXECUTE


class MS312(Rule):
    r"""The user of the image may not write to a volume or to the working directory.

    ## What it does
    Looks whether USER may make files in the directories that VOLUME names, and in that of
    WORKDIR: by owner, group and mode. The latter is a note, as many programs write nothing there.

    ## Why is this bad
    A new volume gets owner and mode of the directory in the image, mostly root's: the program
    stores nothing, and says `permission denied`.

    ## Example
        FROM debian
        VOLUME /data
        USER 65532:65532
        CMD ["server", "--data", "/data"]

    ## Use instead
        FROM debian
        RUN mkdir /data && chown 65532:65532 /data
        VOLUME /data
        USER 65532:65532
        CMD ["server", "--data", "/data"]
    """

    id = "MS312"
    title = "The user of the image may write to its volumes"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield a finding for each directory."""
        who = identity(subject.image.fact(accounts), subject.config.user)
        if who is None or who.uid == 0 or not (subject.config.entrypoint or subject.config.cmd):
            return
        volumes = subject.config.volumes or {}
        for path in volumes:
            if found := self._refused(subject, path, who, "VOLUME", Severity.WARNING):
                yield found
        workdir = subject.config.working_dir
        if workdir not in {"", "/", *volumes} and (
            found := self._refused(subject, workdir, who, "WORKDIR", Severity.NOTE)
        ):
            yield found

    def _refused(
        self, subject: Subject, path: str, who: Identity, keyword: str, severity: Severity
    ) -> Finding | None:
        files = subject.image.files
        found = refusal(files, path, who, _WRITE)
        if found is None:
            return None
        st = found.stat
        return self.finding(
            severity,
            f"{keyword} {path}: user `{subject.config.user}` may not write to it",
            span=_place(subject, keyword, path),
            path=path,
            stage=subject.final.label,
            cause=(
                f"{found.path} is {st.uid}:{st.gid}'s, with mode {st.mode & 0o7777:04o}",
                f"USER {subject.config.user} is {who.uid}:{who.gid}",
            ),
            fixes=usable(subject, *_fixes(subject, path, who)),
        )


def _place(subject: Subject, keyword: str, path: str) -> Span | None:
    """Return the VOLUME that names a path, else the last instruction of that kind."""
    kind = Volume if keyword == "VOLUME" else Workdir
    for stage in instructions(subject):
        for each in stage:
            if isinstance(each, Volume) and path in each.paths and kind is Volume:
                return each.span
    found = last(subject, kind)
    return None if found is None else found.span


def _fixes(subject: Subject, path: str, who: Identity) -> Iterable[Fix]:
    """Yield a RUN before the last USER, which may be another user's else."""
    quoted, owner = shlex.quote(path), f"{who.uid}:{who.gid}"
    user = last(subject, User)
    if user is not None and subject.image.files.find("/bin/sh") is not None:
        text = f"RUN mkdir -p {quoted} && chown {owner} {quoted}"
        yield Fix(FixKind.INSERT, text, user.span.line - 1)
    yield Fix(FixKind.ADVICE, f"have {path} belong to {owner}")
