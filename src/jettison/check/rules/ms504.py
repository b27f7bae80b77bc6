"""MS504: a file for credentials is in the image, with credentials.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.check.rule import Rule
from jettison.check.rules.ms502 import file_finding, secret_files
from jettison.check.subject import Subject
from jettison.findings.finding import Finding


class MS504(Rule):
    r"""A file for credentials is in the image.

    ## What it does
    Finds `.env`, `.npmrc`, `.pypirc`, `.netrc`, `.git-credentials`, `.docker/config.json`,
    `.aws/credentials`, kubeconfigs, private keys of SSH, stores of keys and the like in layers that
    the build made, if they really hold a password, a token or a key. An `.npmrc` with
    `${NPM_TOKEN}`, an `.env.example` and settings that are none are no finding.

    ## Why is this bad
    Everybody who can pull the image can log in where these lead.

    ## Example
        FROM node:20
        WORKDIR /app
        COPY . .
        RUN npm ci

    where the context has an `.npmrc` with a token.

    ## Use instead
        FROM node:20
        WORKDIR /app
        COPY --exclude=.npmrc . .
        RUN --mount=type=secret,id=npmrc,target=/app/.npmrc npm ci
    """

    id = "MS504"
    title = "No file for credentials is in the image"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield an error or a warning for each file."""
        for position, each in secret_files(subject):
            if each.by_name:
                detail = f"`{each.path}` holds {each.what}"
                yield file_finding(self, subject, position, each, detail)
