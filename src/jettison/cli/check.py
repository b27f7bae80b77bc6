"""``jettison check`` of Dockerfiles and images, and ``build --call``: check, outline, targets."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from jettison.api.request import BuildRequest
from jettison.api.session import Session
from jettison.cli import options
from jettison.cli.main import settings_of
from jettison.cli.optional_values import OptionalValue, OptionalValueCommand
from jettison.cli.report_flags import PROBE, STRICT
from jettison.cli.session import in_session
from jettison.cli.values import texts
from jettison.console.terminal import err, out, out_json
from jettison.errors import ImageNotFoundError, JettisonError, UsageError

if TYPE_CHECKING:
    from jettison.api.image_checks import CheckedImage
    from jettison.api.probe_container import Target
    from jettison.api.probed import Probed
    from jettison.findings.finding import Finding
    from jettison.findings.source import Source

FORMATS = ("text", "json", "sarif", "github", "gitlab")
_DOCUMENTS = frozenset({"json", "sarif", "gitlab"})
"""Formats that are one document for all that was found."""
_METHODS = ("check", "outline", "targets")
_TRUE = frozenset({"", "1", "true"})
_ALLOWED = frozenset({"network.host", "security.insecure"})
"""What a build must be allowed is no matter of the Dockerfile."""


class _CheckCommand(OptionalValueCommand):
    def optional_values(self) -> Mapping[str, OptionalValue]:
        return {"--strict": STRICT, "--probe": PROBE}


@click.command("check", cls=_CheckCommand)
@click.argument("paths", nargs=-1, metavar="[PATH|FILE|URL|-]...")
@click.option("-f", "--file", "dockerfile", default="", metavar="FILE", help="The Dockerfile.")
@click.option("--target", default="", metavar="STAGE", help="Check only what this stage needs.")
@click.option(
    "--build-arg", "build_args", multiple=True, metavar="NAME[=VALUE]", help="As build's."
)
@click.option(
    "--build-context", "contexts", multiple=True, metavar="NAME=SOURCE", help="As build's."
)
@options.platforms("As build's.", defaults=True)
@click.option(
    "--image", "images", multiple=True, metavar="IMAGE", help="Check the files of a built image."
)
@click.option(
    "--strict",
    type=click.Choice(["error", "warning"]),
    metavar="[LEVEL]",
    help="Of an image: end with 1 for an error (the default), or for a warning, too.",
)
@click.option("--ignore", multiple=True, metavar="RULE", help="Of an image: switch a rule off.")
@click.option(
    "--probe",
    default="",
    metavar="[TARGET]",
    help="Of an image: start it for 3s (or 10s), until http://:8080/healthz or =COMMAND succeeds.",
)
@click.option("--explain", "rule", default="", metavar="RULE", help="Say what a rule is about.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("--ignore-status", is_flag=True, help="End with 0 whatever is found.")
@click.pass_context
def check(
    ctx: click.Context,
    /,
    paths: tuple[str, ...],
    form: str,
    *,
    ignore_status: bool,
    **flags: object,
) -> int:
    """Check Dockerfiles without building them; end with 1 if there is a finding.

    With `--image`, check the files of images that were built: whether what they start will run,
    and whether they leak anything. Then end with 1 if there is an error.
    """
    if flags["rule"]:
        return _explain(str(flags["rule"]))
    if flags["probe"] and not flags["images"]:
        raise UsageError("--probe starts an image: there is none", hint="add `--image IMAGE`")
    if flags["images"]:
        if paths:
            raise UsageError("--image and a Dockerfile exclude each other", hint="check one only")
        return _check_images(ctx, form, flags, ignore_status=ignore_status)
    if len(paths) > 1 and (form in _DOCUMENTS or flags["dockerfile"]):
        given = "-f" if flags["dockerfile"] else f"--format={form}"
        raise UsageError(f"{given} is for one Dockerfile", hint="check one at a time")
    requests = []
    for path in paths or (".",):
        context, dockerfile = _context_of(path, str(flags["dockerfile"]))
        requests.append(_request(context, {**flags, "dockerfile": dockerfile}))
    with Session.open(settings_of(ctx), os.environ) as session:
        return max(
            _check(session, request, form, ignore_status=ignore_status) for request in requests
        )


def _check_images(
    ctx: click.Context, form: str, flags: Mapping[str, object], *, ignore_status: bool
) -> int:
    names, ignored = texts(flags, "images"), texts(flags, "ignore")
    if len(names) > 1 and form in _DOCUMENTS:
        raise UsageError(f"--format={form} is for one image", hint="check one at a time")

    def work(session: Session) -> int:
        from jettison.findings.finding import Severity

        target = _probe_target(str(flags["probe"]))
        bad = {Severity.ERROR}
        if flags["strict"] == "warning":
            bad.add(Severity.WARNING)
        status = 0
        for name in names:
            found = _checked(session, name, ignored)
            _print(found.findings, found.source, form)
            wrong: tuple[Finding, ...] = ()
            if target is not None:
                probed = _probed(session, name, target, found.findings, form)
                wrong = probed.refuted
                status = status if probed.ok else 1
            if any(each.severity in bad for each in found.findings if each not in wrong):
                status = 1
        sys.stdout.flush()
        return 0 if ignore_status else status

    return in_session(ctx, work)


def _probe_target(text: str) -> Target | None:
    """Return what ``--probe`` asks for, if it is given; raises as ``parse_target``."""
    if not text:
        return None
    from jettison.api.probe_container import parse_target

    return parse_target(text)


def _probed(
    session: Session, name: str, target: Target, findings: Sequence[Finding], form: str
) -> Probed:
    """Start an image, and say what came of it: beside a document on standard error."""
    from jettison.api.probe import probe_named
    from jettison.cli.probe import probe_text

    sys.stdout.flush()
    probed = probe_named(session, name, target, findings)
    (out if form == "text" else err)(probe_text(probed, name))
    return probed


def _checked(session: Session, name: str, ignored: Sequence[str]) -> CheckedImage:
    """Check an image; pull it first if it is not here."""
    from jettison.api.image_checks import check_named

    try:
        return check_named(session, name, ignored)
    except ImageNotFoundError:
        from jettison.api.transfer import pull
        from jettison.oci.reference import names_registry

        if not names_registry(name):
            raise
        session.require_namespace()
        pull(session, name, "", lambda _event: None)
        return check_named(session, name, ignored)


def _explain(rule: str) -> int:
    """Print the page of a rule of either kind.

    Raises:
        UsageError: there is no such rule.
    """
    from jettison.check.pages import find_page
    from jettison.check.registry import ENTRIES
    from jettison.lint.pages import find_page as find_text_page
    from jettison.lint.registry import OWN_RULES
    from jettison.lint.registry import RULES as TEXT_RULES
    from jettison.spelling import near_misses

    page = find_page(rule, OWN_RULES) or find_text_page(rule)
    if page is None:
        names = [each.id for each in ENTRIES] + [each.name for each in (*TEXT_RULES, *OWN_RULES)]
        near = near_misses(rule, names) or near_misses(rule.upper(), names)
        hint = f"did you mean `{near[0]}`?" if near else "ids are like `MS304`"
        raise UsageError(f"there is no rule `{rule}`", hint=hint)
    out(page)
    return 0


def call(ctx: click.Context, context: str, method: str, flags: Mapping[str, object]) -> int:
    """Do what ``build --call=METHOD[,format=…][,ignorestatus=…]`` asks for; return the status.

    Raises:
        UsageError: the method or an option of it is unknown.
        JettisonError: the Dockerfile is wrong or not there.
    """
    name, form, ignore_status = _parse_method(method)
    request = _request(context, flags)
    with Session.open(settings_of(ctx), os.environ) as session:
        if name == "check":
            return _check(session, request, form, ignore_status=ignore_status, dockers=True)
        _describe(session, request, name, form)
    return 0


def _parse_method(text: str) -> tuple[str, str, bool]:
    name, *options = text.split(",")
    form, ignore_status = "text", False
    for option in options:
        key, _, value = option.partition("=")
        if key == "format":
            form = value
        elif key == "ignorestatus":
            ignore_status = value.lower() in _TRUE
        else:
            raise UsageError(f"--call `{text}`: unknown option `{key}`", hint="write format=json")
    name = "check" if name == "lint" else name
    if name not in _METHODS:
        raise UsageError(f"--call `{name}` is unknown", hint="use build, check, outline or targets")
    known = FORMATS if name == "check" else ("text", "json")
    if form not in known:
        raise UsageError(
            f"--call `{name}` has no format `{form}`", hint=f"use one of {', '.join(known)}"
        )
    return name, form, ignore_status


def _context_of(path: str, dockerfile: str) -> tuple[str, str]:
    """Return context and Dockerfile; the path may be that of a Dockerfile."""
    if path != "-" and not dockerfile and os.path.isfile(path):
        return os.path.dirname(path) or ".", path
    return path, dockerfile


def _request(context: str, flags: Mapping[str, object]) -> BuildRequest:
    from jettison.cli.values import (
        build_arguments,
        pairs,
        read_stdin,
        words,
    )

    dockerfile = str(flags["dockerfile"])
    return BuildRequest(
        context=context,
        dockerfile=dockerfile,
        stdin=read_stdin(context, dockerfile),
        target=str(flags["target"]),
        build_args=build_arguments(texts(flags, "build_args")),
        contexts=pairs("--build-context", texts(flags, "contexts")),
        platforms=words(flags, "platforms"),
        allow=_ALLOWED,
        offline=bool(flags.get("offline")),
    )


def _check(
    session: Session,
    request: BuildRequest,
    form: str,
    *,
    ignore_status: bool,
    dockers: bool = False,
) -> int:
    """Check one Dockerfile, print what is found, return the status.

    Args:
        session: The store.
        request: What is checked.
        form: Of the output.
        ignore_status: Return 0 whatever is found.
        dockers: Answer as docker does: its rules make the count and the status, what rules of our
            own find follows.
    """
    from jettison.api.check import check as check_file
    from jettison.console.message import error_message
    from jettison.findings.finding import Severity

    found = check_file(session, request)
    findings, error = found.findings, found.error
    if dockers and form in {"text", "json"}:
        _print(found.dockers, found.dockerfile, form, error, beside=found.own)
    else:
        _print(findings, found.dockerfile, form, error)
    sys.stdout.flush()
    if error is not None and form == "text":
        err(error_message(error) + "\n")
    counted = found.dockers if dockers else findings
    bad = any(each.severity is not Severity.NOTE for each in counted) or error is not None
    return 1 if bad and not ignore_status else 0


def _print(
    findings: Sequence[Finding],
    source: Source,
    form: str,
    error: JettisonError | None = None,
    *,
    beside: Sequence[Finding] = (),
) -> None:
    match form:
        case "json":
            from jettison.findings.form.json import as_json

            out_json(as_json(findings, source, error=error, beside=beside))
        case "sarif":
            from jettison import __version__
            from jettison.findings.form.sarif import as_sarif

            out_json(as_sarif(findings, source, version=__version__, error=error))
        case "gitlab":
            from jettison.findings.form.gitlab import as_gitlab

            out_json(as_gitlab(findings, source, error=error))
        case "github":
            from jettison.findings.form.github import as_github

            out(as_github(findings, source, error=error))
        case _:
            from jettison.findings.form.text import as_text, each_as_text

            out(as_text(findings, source) if findings or not error else "")
            out(each_as_text(beside, source))


def _describe(session: Session, request: BuildRequest, name: str, form: str) -> None:
    from jettison.api.check import outline, targets
    from jettison.lint import describe as forms

    if name == "targets":
        stages, dockerfile = targets(session, request)
        text = forms.targets_json(stages, dockerfile) if form == "json" else None
        text = text or forms.targets_text(stages)
    else:
        described, dockerfile = outline(session, request)
        text = forms.outline_json(described, dockerfile) if form == "json" else None
        text = text or forms.outline_text(described)
    (out_json if form == "json" else out)(text)
