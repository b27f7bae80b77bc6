"""MS509: what belongs to development is in the image.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from jettison.check.layer_facts import Marks
from jettison.check.layers import own_entries, span_of_layer, without_fix
from jettison.check.rule import Rule
from jettison.check.subject import Subject
from jettison.findings.finding import Finding, Severity

_REPOSITORY = re.compile(r"^(.*/\.(?:git|hg|svn|bzr))/(?:HEAD|config|store|wc\.db|objects)$")
_SSH = re.compile(r"^((?:/root|/home/[^/]+|.*)/\.ssh)/(?:id_\w+|authorized_keys|config|.*\.pem)$")
_CI = re.compile(
    r"/(?:\.gitlab-ci\.yml|\.travis\.yml|\.drone\.yml|Jenkinsfile|azure-pipelines\.yml"
    r"|\.github/workflows/[^/]+\.ya?ml|\.circleci/config\.yml|bitbucket-pipelines\.yml"
    r"|(?:docker-)?compose[\w.-]*\.ya?ml|Dockerfile|Containerfile|\.dockerignore)$"
)
_OF_OTHERS = re.compile(r"/(?:node_modules|site-packages|vendor|gems|go/pkg)/|/usr/(?:share|lib)/")


class MS509(Rule):
    r"""Files of development are in the image.

    ## What it does
    Finds repositories of version control (`.git`) and `.ssh` directories that the build put into
    the image, and notes configurations of CI, Dockerfiles and compose files.

    ## Why is this bad
    A repository has all that ever was in it: secrets that were removed, names, other branches. It
    is often larger than the program, and each commit changes it, so that nothing below is cached.

    ## Example
        FROM python:3.11-slim
        COPY . /app

    ## Use instead
        FROM python:3.11-slim
        COPY --exclude=.git . /app

    or a `.dockerignore` that names `.git`.
    """

    id = "MS509"
    title = "No files of development are in the image"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield a warning for each repository and SSH directory, one note about the rest."""
        seen: set[str] = set()
        rest = []
        for entry in own_entries(subject, _OF_DEVELOPMENT):
            path = entry.path
            if _OF_OTHERS.search(path):
                continue
            match = _REPOSITORY.match(path) or _SSH.match(path)
            if match is not None and match[1] not in seen:
                seen.add(match[1])
                what = "is a repository" if _REPOSITORY.match(path) else "has keys or settings"
                yield self.finding(
                    Severity.WARNING,
                    f"`{match[1]}` {what}, and is in the image",
                    span=span_of_layer(subject, entry.position),
                    path=match[1],
                    stage=subject.final.label,
                    fixes=without_fix(
                        subject,
                        entry.position,
                        match[1],
                        f"leave it out in `.dockerignore`, or remove `{match[1]}` in the same RUN",
                    ),
                )
            elif match is None and _CI.search(path):
                rest.append(entry)
        if rest:
            first = rest[0]
            yield self.finding(
                Severity.NOTE,
                f"`{first.path}` is for development"
                + (f", and so are {len(rest) - 1} others" if len(rest) > 1 else ""),
                span=span_of_layer(subject, first.position),
                path=first.path,
                stage=subject.final.label,
                fixes=without_fix(
                    subject, first.position, first.path, "leave it out in `.dockerignore`"
                ),
            )


def _may_be_of_development(path: str, _mode: int) -> bool:
    return "/." in path or _CI.search(path) is not None


_OF_DEVELOPMENT = Marks(f"of development {_CI.pattern}", _may_be_of_development)
