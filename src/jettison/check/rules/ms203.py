"""MS203: a symbolic link was copied, and what it leads to was not.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from jettison.check.instructions import copy_from, inserted, usable
from jettison.check.links import LeftBehind, is_of_venv, left_behind
from jettison.check.rule import Rule
from jettison.check.subject import Subject
from jettison.findings.finding import Finding, Severity
from jettison.fs.resolve import resolve

_RUNTIME = ("/proc/", "/dev/", "/sys/", "/run/", "/var/run/", "/tmp/", "/var/tmp/")  # noqa: S108
_RUNTIME_LINKS = frozenset({"/etc/mtab", "/etc/resolv.conf", "/etc/hostname", "/etc/hosts"})
_SETTINGS = frozenset({"/etc/localtime"})
"""What a host may set, and whose absence means the default."""
_EXECUTE = 0o111
_MOST = 20
_MAX_LINKS = 50_000
"""So many links of an image are looked at: each may be a chain of 255."""


class MS203(Rule):
    r"""A symbolic link leads to nothing, since its target stayed in another stage.

    ## What it does
    Follows the links that a `COPY --from` brought. If one leads to nothing in the image, and to a
    file in the stage that it was copied from, it names that file. A link to a program or a library
    that the image starts, or that could be started, is an error.

    ## Why is this bad
    COPY copies links as links. `no such file or directory` is what a program says then, of a path
    that `ls` shows.

    ## Example
        FROM debian AS builder
        COPY app /opt/app/bin/app
        RUN ln -s /opt/app/bin/app /usr/local/bin/app

        FROM debian
        COPY --from=builder /usr/local/bin /usr/local/bin
        CMD ["app"]

    ## Use instead
        FROM debian AS builder
        COPY app /opt/app/bin/app
        RUN ln -s /opt/app/bin/app /usr/local/bin/app

        FROM debian
        COPY --from=builder /usr/local/bin /usr/local/bin
        COPY --from=builder /opt/app /opt/app
        CMD ["app"]
    """

    id = "MS203"
    title = "Links that were copied lead to something"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield a finding for each target that stayed behind."""
        seen: set[str] = set()
        starting = {use.link for use in subject.reached.problems() if use.link and use.is_certain}
        for link in _dangling(subject):
            found = left_behind(subject, link)
            if found is None or found.wanted in seen or len(seen) >= _MOST:
                continue
            seen.add(found.wanted)
            yield self._finding(subject, found, is_started=link in starting)

    def _finding(self, subject: Subject, found: LeftBehind, *, is_started: bool) -> Finding:
        st, stage = found.stat, found.copied.name
        is_program = st.is_file and (bool(st.mode & _EXECUTE) or ".so" in found.target)
        text = copy_from(stage, found.target, found.wanted)
        return self.finding(
            Severity.ERROR if is_started or is_program else Severity.WARNING,
            f"{found.link} leads to {found.wanted}, which is not in the image",
            span=found.copied.span,
            path=found.link,
            stage=subject.final.label,
            cause=(
                f"it is in stage `{stage}`: {found.target}",
                f"the link was copied from {found.copied.source} of that stage",
            ),
            fixes=usable(subject, inserted(found.copied.span, text, subject)),
        )


def _dangling(subject: Subject) -> Iterator[str]:
    """Yield the links of this build that lead to nothing, which nothing makes at run time."""
    files = subject.image.files
    volumes = tuple(each.rstrip("/") + "/" for each in subject.config.volumes or ())
    for path in itertools.islice(files.symlinks, _MAX_LINKS):
        if path in _RUNTIME_LINKS or files.find(path) is not None or not subject.is_new(path):
            continue
        try:
            target = resolve(files, path)
        except OSError:
            continue
        is_there = files.lstat(target) is not None or target in {"/", *_SETTINGS}
        if is_there or f"{target}/".startswith((*_RUNTIME, *volumes)):
            continue
        if not is_of_venv(files, path):
            yield path
