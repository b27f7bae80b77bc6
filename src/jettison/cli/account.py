"""Commands about credentials: login, logout."""

from __future__ import annotations

import os
import sys

import click

from jettison.api import account as api
from jettison.cli.flags import DockerCommand
from jettison.cli.main import settings_of
from jettison.console.terminal import err, out
from jettison.errors import UsageError


@click.command("login", cls=DockerCommand)
@click.argument("registry", default="docker.io")
@click.option("-u", "--username", default="", help="User name.")
@click.option("-p", "--password", default="", help="Password (better: --password-stdin).")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.pass_context
def login(ctx: click.Context, /, registry: str, **flags: object) -> int:
    """Check credentials with a registry and keep them where docker keeps them."""
    username = str(flags["username"])
    password = str(flags["password"])
    if flags["password_stdin"]:
        if password:
            raise UsageError("--password and --password-stdin cannot be given together")
        password = sys.stdin.read().rstrip("\r\n")
    elif password:
        err("WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n")
    if not username and sys.stdin.isatty():
        username = click.prompt("Username")
    if not password and sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True)
    if not username or not password:
        raise UsageError(
            "login needs a user name and a password", hint="use -u NAME --password-stdin"
        )
    where = api.login(settings_of(ctx), os.environ, registry, username, password)
    out("Login Succeeded\n")
    err(f"the credentials are kept in {where}\n")
    return 0


@click.command("logout", cls=DockerCommand)
@click.argument("registry", default="docker.io")
@click.pass_context
def logout(ctx: click.Context, /, registry: str) -> int:
    """Forget the credentials of a registry."""
    if api.logout(os.environ, registry):
        out(f"Removing login credentials for {registry}\n")
    else:
        out(f"Not logged in to {registry}\n")
    return 0
