"""MS501: a secret of the build is in the image.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Iterable

from jettison.check.layers import hidden_by, span_of_layer, without_fix
from jettison.check.rule import Rule
from jettison.check.secrets import Leak
from jettison.check.subject import Subject
from jettison.errors import Span
from jettison.findings.finding import Finding, Severity
from jettison.findings.fix import advice

_MOST = 20
"""So many files are named for one secret."""
_MOUNT = "let only the step see it that needs it: `RUN --mount=type=secret,id=NAME`"


class MS501(Rule):
    r"""A secret of the build is in the image.

    ## What it does
    Looks for the values that the build was given as secrets: those of `--secret`, key files of
    `--ssh`, passwords of proxies and URLs, credentials of registries that were asked, and build
    arguments whose name says that they are secret. They are looked for in every layer that the
    build made, in files that a later layer deletes, too, in the config, the history and the record
    of the build, as they are, in base64, in hexadecimal digits, URL-encoded, escaped, and in
    gzip, xz and zstd files and members of zip archives. Values of fewer than eight bytes, or of
    less than 2.5 bits of entropy in each, are not looked for: they would be found by chance.

    Values are in memory only; a finding says which secret it is, where it is, and how long.

    ## Why is this bad
    Everybody who can pull the image has the secret. A later `RUN rm` takes it out of sight, not
    out of the layer.

    ## Example
        FROM python:3.11-slim
        COPY . /app
        RUN --mount=type=secret,id=token,target=/app/token pip install -r /app/requirements.txt

    built with `--secret id=token,src=token`: the file `token` is in the build context as well, and
    `COPY . /app` ships it.

    ## Use instead
        FROM python:3.11-slim
        COPY --exclude=token . /app
        RUN --mount=type=secret,id=token,target=/app/token pip install -r /app/requirements.txt
    """

    id = "MS501"
    title = "No secret of the build is in the image"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield one error for each file, and one for each secret in the documents of the image."""
        count: dict[str, int] = {}
        for leak in subject.secrets.leaks():
            if leak.position < 0:
                if not leak.secret.startswith("build argument "):  # of which MS503 tells
                    yield self._in_documents(leak)
                continue
            count[leak.secret] = count.get(leak.secret, 0) + 1
            if count[leak.secret] <= _MOST:
                yield self._in_layer(subject, leak)

    def _in_layer(self, subject: Subject, leak: Leak) -> Finding:
        layer = subject.provenance.image.layers[leak.position]
        cause = [
            f"layer {leak.position + 1}, made by `{layer.instruction.instruction[:80]}`",
            f"the value has {leak.length} bytes and is there {_said(leak.form)}",
        ]
        later = hidden_by(subject, leak.path, leak.position)
        if later is not None:
            where = f" (line {later.instruction.line})" if later.instruction.line else ""
            cause.append(f"a later layer{where} hides the file; this layer still has it")
        return self.finding(
            Severity.ERROR,
            f"the {leak.secret} is in the image: `{leak.path}` holds it",
            span=span_of_layer(subject, leak.position),
            path=leak.path,
            stage=subject.record.stages[layer.stage].label,
            cause=tuple(cause),
            fixes=without_fix(subject, leak.position, leak.path, _MOUNT),
        )

    def _in_documents(self, leak: Leak) -> Finding:
        places = ", ".join(f"the {each}" for each in leak.documents)
        return self.finding(
            Severity.ERROR,
            f"the {leak.secret} can be read without any layer: in {places}",
            span=Span(leak.line) if leak.line else None,
            cause=(f"the value has {leak.length} bytes and is there {_said(leak.form)}",),
            fixes=advice(_MOUNT),
        )


def _said(form: str) -> str:
    return form if form == "as it is" or form.endswith("ed") else f"in {form}"
