"""``jettison check``, and the methods of ``build --call``: check, outline, targets."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

import click

from jettison.api.request import BuildRequest
from jettison.api.session import Session
from jettison.cli import options
from jettison.cli.flags import DockerCommand
from jettison.cli.main import settings_of
from jettison.console.terminal import err, out, out_json
from jettison.errors import UsageError

FORMATS = ("text", "json", "sarif", "github")
_METHODS = ("check", "outline", "targets")
_TRUE = frozenset({"", "1", "true"})
_ALLOWED = frozenset({"network.host", "security.insecure"})
"""What a build must be allowed is no matter of the Dockerfile."""


@click.command("check", cls=DockerCommand)
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
    """Check Dockerfiles without building them; end with 1 if there is a finding."""
    if len(paths) > 1 and (form in {"json", "sarif"} or flags["dockerfile"]):
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
            return _check(session, request, form, ignore_status=ignore_status)
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
        texts,
    )

    dockerfile = str(flags["dockerfile"])
    return BuildRequest(
        context=context,
        dockerfile=dockerfile,
        stdin=read_stdin(context, dockerfile),
        target=str(flags["target"]),
        build_args=build_arguments(texts(flags, "build_args")),
        contexts=pairs("--build-context", texts(flags, "contexts")),
        platforms=tuple(p for each in texts(flags, "platforms") for p in each.split(",")),
        allow=_ALLOWED,
        offline=bool(flags.get("offline")),
    )


def _check(session: Session, request: BuildRequest, form: str, *, ignore_status: bool) -> int:
    from jettison import __version__
    from jettison.api.check import check as check_file
    from jettison.console.message import error_message
    from jettison.lint import format as forms

    found = check_file(session, request)
    findings, error = found.findings, found.error
    match form:
        case "json":
            text = forms.as_json(findings, found.dockerfile, error=error)
        case "sarif":
            text = forms.as_sarif(findings, found.dockerfile, version=__version__, error=error)
        case "github":
            text = forms.as_github(findings, found.dockerfile, error=error)
        case _:
            text = forms.as_text(findings, found.dockerfile) if findings or not error else ""
    (out_json if form in {"json", "sarif"} else out)(text)
    sys.stdout.flush()
    if error is not None and form == "text":
        err(error_message(error) + "\n")
    return 0 if ignore_status or (not findings and error is None) else 1


def _describe(session: Session, request: BuildRequest, name: str, form: str) -> None:
    from jettison.api.check import outline, targets
    from jettison.lint import format as forms

    if name == "targets":
        stages, dockerfile = targets(session, request)
        text = forms.targets_json(stages, dockerfile) if form == "json" else None
        text = text or forms.targets_text(stages)
    else:
        described, dockerfile = outline(session, request)
        text = forms.outline_json(described, dockerfile) if form == "json" else None
        text = text or forms.outline_text(described)
    (out_json if form == "json" else out)(text)
