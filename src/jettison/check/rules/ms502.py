"""MS502: content that looks like a secret.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.analysis.secrets.content import SecretFile
from jettison.check.layers import hidden_by, searched_layers, span_of_layer, without_fix
from jettison.check.rule import Rule
from jettison.check.subject import Subject
from jettison.findings.finding import Finding, Severity

_OTHERWISE = "leave it out (`.dockerignore`), and give it to the container when it starts"


class MS502(Rule):
    r"""A file holds what looks like a secret.

    ## What it does
    Looks in the files that the build added for private keys and for tokens of well-known form: of
    AWS, Azure, Google, GitHub, GitLab, Slack, Stripe, npm, PyPI, Docker Hub and others. Files that
    a later layer deletes are looked at, too; tests, examples, documentation, and what package
    managers install are not.

    An error is what opens something by itself; encrypted keys, identifiers, and keys that a package
    made when it was installed (such as SSH host keys) are warnings.

    ## Why is this bad
    Everybody who can pull the image can read all of its layers.

    ## Example
        FROM python:3.11-slim
        COPY . /app
        CMD ["python", "/app/main.py"]

    where the context has a `deploy.pem` with a private key.

    ## Use instead
        FROM python:3.11-slim
        COPY --exclude=deploy.pem . /app
        CMD ["python", "/app/main.py"]
    """

    id = "MS502"
    title = "No file holds what looks like a secret"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield an error or a warning for each file."""
        for position, each in secret_files(subject):
            if not each.by_name:
                detail = f"`{each.path}` holds {_article(each.what)} {each.what}"
                yield file_finding(self, subject, position, each, detail)


def secret_files(subject: Subject) -> Iterable[tuple[int, SecretFile]]:
    """Yield what looks like a secret, with the number of its layer; not what MS501 tells of."""
    leaked = {(leak.position, leak.path) for leak in subject.secrets.leaks()}
    for position in searched_layers(subject):
        for each in subject.secrets.files(position):
            if (position, each.path) not in leaked:
                yield position, each


def file_finding(
    rule: Rule, subject: Subject, position: int, file: SecretFile, detail: str
) -> Finding:
    """Return the finding about a file that holds a secret."""
    layer = subject.provenance.image.layers[position]
    place = f"in line {file.line} of the file" if file.line else "all of the file"
    cause = [f"{place}, {file.length} bytes"]
    later = hidden_by(subject, file.path, position)
    if later is not None:
        where = f" (line {later.instruction.line})" if later.instruction.line else ""
        cause.append(f"a later layer{where} hides it; layer {position + 1} still has it")
    return rule.finding(
        Severity.ERROR if file.is_certain else Severity.WARNING,
        detail,
        span=span_of_layer(subject, position),
        path=file.path,
        stage=subject.record.stages[layer.stage].label,
        cause=tuple(cause),
        fixes=without_fix(subject, position, file.path, _OTHERWISE),
    )


def _article(what: str) -> str:
    return "an" if what[0] in "aeiouAO" else "a"
