"""MS512: what is downloaded is not checked.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from jettison.check.rule import Rule
from jettison.check.subject import Subject
from jettison.check.written import needed_instructions, with_flag
from jettison.findings.finding import Finding, Fix, Severity
from jettison.findings.fix import advice
from jettison.frontend.dockerfile.syntax import Add, Run

_URL = r"(?i)^https?://"
_GIT = r"(?i)\.git(?:#|$)|^https?://(?:github|gitlab)\.com/[^/]+/[^/]+/?(?:#|$)"
_SHELL = r"(?:/(?:usr/)?bin/)?(?:sh|bash|dash|ash|zsh|ksh|python3?|perl|ruby|node)"
_PIPED = (
    rf"\b(?:curl|wget)\b[^|;&\n]*\|(?!\|)\s*(?:sudo\s+(?:-\w+\s+)*)?(?:env\s+)?{_SHELL}(?=\s|$|[;&|)\"'])"
    rf"|\b{_SHELL}\s+(?:-c\s+)?[\"']?(?:<\(|\$\(|`)\s*(?:curl|wget)\b"
)
_CHECKED = r"sha(?:1|224|256|384|512)sum|gpgv?\b|cosign|minisign|openssl\s+dgst"


class MS512(Rule):
    r"""What is downloaded is not checked.

    ## What it does
    Finds ADD of a URL without `--checksum`, and RUN that pipes what it downloads into a shell or an
    interpreter.

    ## Why is this bad
    Whoever can change the file on that server, or the name's address, runs code in the build, and
    the next build has another result without any change of the Dockerfile.

    ## Example
        FROM debian:bookworm-slim
        ADD https://example.com/tool.tar.gz /opt/
        RUN curl -fsSL https://example.com/install.sh | sh

    ## Use instead
        FROM debian:bookworm-slim
        ADD --checksum=sha256:e3b0c442… https://example.com/tool.tar.gz /opt/
        ADD --checksum=sha256:24d9fdb2… https://example.com/install.sh /tmp/
        RUN sh /tmp/install.sh
    """

    id = "MS512"
    title = "What is downloaded is checked"
    hadolint = frozenset({"DL4006"})

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield a warning for each download."""
        for instruction in needed_instructions(subject.record):
            match instruction:
                case Add(sources=sources, checksum=""):
                    urls = [
                        each
                        for each in sources
                        if re.match(_URL, each) and not re.search(_GIT, each)
                    ]
                    if urls:
                        yield self.finding(
                            Severity.WARNING,
                            "ADD downloads a file whose content is not checked",
                            span=instruction.span,
                            fixes=_checksum(subject, instruction),
                        )
                case Run():
                    text = " ".join(
                        [instruction.original, *(each.content for each in instruction.heredocs)]
                    )
                    if re.search(_PIPED, text) and not re.search(_CHECKED, text):
                        yield self.finding(
                            Severity.WARNING,
                            "RUN executes what it downloads, whatever that is",
                            span=instruction.span,
                            fixes=advice(
                                "download it with `ADD --checksum=sha256:…` and execute the file"
                            ),
                        )
                case _:
                    pass


def _checksum(subject: Subject, add: Add) -> tuple[Fix, ...]:
    """Return the fix that names the digest of what was downloaded now, if one file was."""
    words = advice("say what it must be: `ADD --checksum=sha256:…`")
    if len(add.sources) != 1:
        return words
    for stage in subject.record.stages:
        files = subject.provenance.files(stage.index) if stage.needed else None
        for position, layer in enumerate(files.layers if files is not None else ()):
            if layer.instruction.line != add.span.line or files is None:
                continue
            listing = files.listing(position)
            regular = [] if listing is None else [n for n in listing.digests if listing.is_file(n)]
            if listing is not None and len(regular) == 1 and not add.unpack:
                digest = listing.digests[regular[0]].hex()
                return (with_flag(subject.record, add, f"--checksum=sha256:{digest}"), *words)
    return words
