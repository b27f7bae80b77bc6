"""MS309: certificates, time zones or other things are missing that a program needs.

In:  a ``Subject``.
Out: findings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from jettison.analysis.files import Files
from jettison.analysis.trust import Evidence, Need, certificates, evidence, zones
from jettison.analysis.users import accounts, identity
from jettison.check.instructions import copy_from, inserted, last, stages_before, usable
from jettison.check.rule import Rule
from jettison.check.subject import Subject
from jettison.errors import Span
from jettison.findings.finding import Finding, Fix, FixKind, Severity
from jettison.frontend.dockerfile.syntax import Env, User

_PACKAGES = {Need.CERTIFICATES: "ca-certificates", Need.ZONES: "tzdata"}
_APK, _APT = "/sbin/apk", "/usr/bin/apt-get"
_ADVICE = {
    Need.CERTIFICATES: "copy /etc/ssl/certs/ca-certificates.crt from a stage with ca-certificates",
    Need.ZONES: "copy /usr/share/zoneinfo from a stage with tzdata",
    Need.TEMPORARY: "make /tmp with mode 1777",
    Need.ACCOUNT: "add the user to /etc/passwd",
}
_FIND: dict[Need, Callable[[Files, Mapping[str, str]], str]] = {
    Need.CERTIFICATES: certificates,
    Need.ZONES: zones,
}


class MS309(Rule):
    r"""The image lacks certificates, time zones, `/tmp` or an account that its program needs.

    ## What it does
    Looks whether the image has a bundle of certificates, a database of time zones, `/tmp` and an
    entry of its user, and, if one is missing, whether something that the image starts needs it. It
    says so for evidence only: a program of this build that verifies certificates and has the
    address of a service with `https://`, `curl https://…` in a script, TZ with the name of a zone,
    a program that loads zones by name, `mktemp`, `ssh`.

    ## Why is this bad
    Images from `scratch` and small base images have none of these. The program starts, and fails
    with its first request: `x509: certificate signed by unknown authority`,
    `unknown time zone Europe/Berlin`, `open /tmp/…: no such file or directory`.

    ## Example
        FROM golang AS builder
        COPY . /src
        RUN cd /src && CGO_ENABLED=0 go build -o /app .

        FROM scratch
        COPY --from=builder /app /app
        ENTRYPOINT ["/app"]

    ## Use instead
        FROM golang AS builder
        COPY . /src
        RUN cd /src && CGO_ENABLED=0 go build -o /app .

        FROM scratch
        COPY --from=builder /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
        COPY --from=builder /app /app
        ENTRYPOINT ["/app"]
    """

    id = "MS309"
    title = "Certificates, time zones and /tmp are there if a program needs them"

    def check(self, subject: Subject) -> Iterable[Finding]:
        """Yield a finding for each need, by its first evidence."""
        who = identity(subject.image.fact(accounts), subject.config.user)
        account = who.name if who is not None else subject.config.user
        seen = set()
        env = subject.environment
        files, is_new = subject.image.files, subject.is_new
        for each in evidence(files, subject.reached, env, account, is_new):
            if each.need not in seen:
                seen.add(each.need)
                yield self.finding(
                    Severity.WARNING,
                    f"{each.path or 'the image'} needs {each.need}, and there is none",
                    span=_place(subject, each),
                    path=each.path,
                    stage=subject.final.label,
                    cause=(each.reason,),
                    fixes=usable(subject, *_fixes(subject, each.need)),
                )


def _place(subject: Subject, found: Evidence) -> Span | None:
    if found.path:
        return subject.span_of(found.path)
    env = last(subject, Env)
    return None if env is None else env.span


def _fixes(subject: Subject, need: Need) -> Iterator[Fix]:
    files = subject.image.files
    find = _FIND.get(need)
    for name, there in stages_before(subject) if find is not None else ():
        source = find(there, {}) if find is not None else ""
        if source:
            yield inserted(None, copy_from(name, source, source), subject)
            break
    package = _PACKAGES.get(need)
    if package and files.find(_APK):
        yield inserted(None, f"RUN apk add --no-cache {package}", subject)
    elif package and files.find(_APT):
        install = f"apt-get install -y --no-install-recommends {package}"
        yield inserted(None, f"RUN apt-get update && {install}", subject)
    if need is Need.TEMPORARY and files.find("/bin/sh"):
        user = last(subject, User)
        text = "RUN mkdir -m 1777 /tmp"
        line = user.span.line - 1 if user is not None else subject.end
        yield Fix(FixKind.INSERT, text, line)
    yield Fix(FixKind.ADVICE, _ADVICE[need])
