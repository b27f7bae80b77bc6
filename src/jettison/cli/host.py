"""Commands about this host: doctor, version."""

from __future__ import annotations

import json
import os
import platform
import sys

import click

from jettison import __version__
from jettison.cli.main import settings_of


@click.command("version")
@click.option("-f", "--format", "form", default="", help="json")
def version(form: str) -> int:
    """Show the version."""
    facts = {
        "Version": __version__,
        "Python": platform.python_version(),
        "Os": platform.system().lower(),
        "Arch": platform.machine(),
        "Kernel": platform.release(),
    }
    if form == "json":
        sys.stdout.write(json.dumps(facts) + "\n")
    else:
        sys.stdout.write("".join(f"{name + ':':<10}{value}\n" for name, value in facts.items()))
    return 0


@click.command("doctor")
@click.option("--format", "form", default="", help="json")
@click.pass_context
def doctor(ctx: click.Context, form: str) -> int:
    """Show what this host allows, what is missing, and how to get it."""
    from jettison.api.host import examine_host  # noqa: PLC0415

    checks = examine_host(settings_of(ctx), os.environ)
    if form == "json":
        rows = [
            {"check": c.name, "ok": c.works, "detail": c.detail, "remedy": c.remedy} for c in checks
        ]
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
    else:
        for check in checks:
            mark = {True: "ok", False: "missing", None: "info"}[check.works]
            sys.stdout.write(f"{mark:<8} {check.name:<22} {check.detail}\n")
            if check.remedy and check.works is False:
                sys.stdout.write(f"{'':<8} {'':<22} hint: {check.remedy}\n")
    able = any(check.works and check.essential for check in checks)
    return 0 if able else 5
