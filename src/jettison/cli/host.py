"""Commands about this host: doctor, info, version."""

from __future__ import annotations

import json
import os
import platform
from typing import TYPE_CHECKING

import click

from jettison import __version__
from jettison.cli.flags import DockerCommand, tell_ignored
from jettison.cli.listing import rendered
from jettison.cli.main import settings_of
from jettison.console.terminal import out, out_json
from jettison.errors import HostError, InternalError
from jettison.linux.text import printable
from jettison.oci.platform import normalise

if TYPE_CHECKING:
    from jettison.api.host import HostCheck


@click.command("version", cls=DockerCommand)
@click.option("-f", "--format", "form", default="", help="json or a template: {{.Client.Version}}.")
def version(form: str) -> int:
    """Show the version."""
    from jettison.frontend.dockerfile.reference import DOCKERFILE_VERSION

    facts = {
        "Version": __version__,
        "Dockerfile": DOCKERFILE_VERSION,
        "Python": platform.python_version(),
        "Os": platform.system().lower(),
        "Arch": normalise("linux", platform.machine()).architecture,
        "Kernel": platform.release(),
    }
    if form == "json":
        out_json(json.dumps(facts) + "\n")
    elif form:
        from jettison.console.template.values import Struct

        # There is no server: what docker asks of one is done by the program that is called.
        parts = {"Client": Struct(facts), "Server": Struct(facts)}
        out(rendered(form, Struct({**parts, **facts}, facts)))
    else:
        out("".join(f"{name + ':':<12}{value}\n" for name, value in facts.items()))
    return 0


@click.command("info", cls=DockerCommand)
@click.option("-f", "--format", "form", default="", help="json or a template: {{.DockerRootDir}}.")
@click.pass_context
def info(ctx: click.Context, form: str) -> int:
    """Show facts of the store and of this host; `doctor` says what is missing."""
    from jettison.api.host import host_facts
    from jettison.api.session import Session

    with Session.open(settings_of(ctx), os.environ) as session:
        facts = host_facts(session)
    if form == "json":
        out_json(json.dumps(facts) + "\n")
    elif form:
        from jettison.console.template.values import Struct

        out(rendered(form, Struct(facts)))
    else:
        width = max(map(len, facts)) + 2
        out("".join(f"{name + ':':<{width}}{printable(_text(v))}\n" for name, v in facts.items()))
    return 0


def _text(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


@click.command("doctor", cls=DockerCommand)
@click.option("--format", "form", default="", help="json or a template: {{range .}}{{.check}} …")
@click.option("--bootstrap", is_flag=True, hidden=True)
@click.option("--builder", default="", hidden=True)
@click.pass_context
def doctor(ctx: click.Context, /, form: str, **flags: object) -> int:
    """Show what this host allows, what is missing, and how to get it.

    The exit status is 0 when images can be built here, 5 otherwise.
    """
    from jettison.api.host import can_build

    tell_ignored("doctor", flags)
    checks = _examine(ctx)
    if form:
        rows = [
            {"check": c.name, "ok": c.works, "detail": c.detail, "remedy": c.remedy} for c in checks
        ]
        if form == "json":
            out_json(json.dumps(rows, indent=2) + "\n")
        else:
            out(rendered(form, rows))
    else:
        out(_report(checks))
    return 0 if can_build(checks) else 5


def _examine(ctx: click.Context) -> list[HostCheck]:
    """Return the checks, made inside a user namespace where one is needed and can be had."""
    from jettison.api.host import examine_host
    from jettison.api.session import NamespaceRequired
    from jettison.cli.namespace import enter_again

    settings = settings_of(ctx)
    try:
        return examine_host(settings, os.environ)
    except NamespaceRequired:
        try:
            enter_again()
        except HostError as error:
            return examine_host(settings, os.environ, problem=error)
    raise InternalError("a user namespace was asked for without need")


def _report(checks: list[HostCheck]) -> str:
    from jettison.api.host import can_build

    width = max(len(check.name) for check in checks)
    lines = []
    for check in checks:
        mark = {True: "ok", False: "missing", None: "-"}[check.works]
        lines.append(f"{mark:<8}{check.name:<{width}}  {printable(check.detail)}")
        if check.remedy and check.works is not True:
            lines.append(f"{'':<8}{'':<{width}}  hint: {printable(check.remedy)}")
    verdict = "can" if can_build(checks) else "cannot"
    lines += ["", f"This host {verdict} build images with RUN steps."]
    return "".join(f"{line}\n" for line in lines)
