"""``jettison run``: docker's flags to a ``RunRequest``."""

from __future__ import annotations

import os

import click

from jettison.api.session import Session
from jettison.cli import options
from jettison.cli.env_files import environment
from jettison.cli.flags import DockerCommand, tell_ignored
from jettison.cli.main import print_error
from jettison.cli.session import in_session
from jettison.cli.values import PROCESSORS, extra_hosts, limits, parse_pids, texts
from jettison.console.select import make_console
from jettison.console.terminal import err, out
from jettison.container.request import RunRequest
from jettison.errors import JettisonError, UsageError
from jettison.settings import parse_size

OURS_FAILED = 125
"""Status of failures that are not the container's, so that they cannot be taken for its own."""


@click.command(
    "run",
    cls=DockerCommand,
    context_settings={"ignore_unknown_options": False, "allow_interspersed_args": False},
)
@click.argument("image")
@click.argument("argv", metavar="[COMMAND] [ARG...]", nargs=-1, type=click.UNPROCESSED)
@click.option("--rm", "remove", is_flag=True, help="Remove the container when it has ended.")
@click.option("-i", "--interactive", is_flag=True, help="Keep standard input open.")
@click.option("-t", "--tty", "terminal", is_flag=True, help="Give the process a terminal.")
@click.option(
    "-e", "--env", "env", multiple=True, metavar="NAME[=VALUE]", help="Environment variable."
)
@click.option(
    "--env-file", "env_files", multiple=True, metavar="FILE", help="File of environment variables."
)
@click.option(
    "-v",
    "--volume",
    "volumes",
    multiple=True,
    metavar="SRC:DST[:ro]",
    help="Mount a directory or file of the host.",
)
@click.option("-w", "--workdir", default="", metavar="DIR", help="Working directory.")
@click.option("-u", "--user", default="", metavar="USER[:GROUP]", help="User to run as.")
@click.option(
    "--entrypoint",
    default=None,
    metavar="PROGRAM",
    help="Program in place of the image's ENTRYPOINT.",
)
@click.option(
    "--network",
    "--net",
    "network",
    default="",
    metavar="MODE",
    help="default (its own, by pasta or slirp4netns), host or none.",
)
@click.option("--name", default="", help="Name of the container, its hostname too.")
@click.option("-h", "--hostname", default="", help="Hostname.")
@click.option(
    "-p", "--publish", "publish", multiple=True, metavar="HOST:CONTAINER", help="Publish a port."
)
@click.option(
    "--pull",
    type=click.Choice(["missing", "always", "never"]),
    default="missing",
    help="When to ask the registry.",
)
@click.option(
    "--read-only", "readonly", is_flag=True, help="The root file system cannot be written."
)
@click.option("--init", is_flag=True, help="Run an init that forwards signals and reaps processes.")
@click.option("--privileged", is_flag=True, help="All capabilities and devices.")
@click.option(
    "--add-host", "extra_hosts", multiple=True, metavar="HOST:IP", help="Entry of /etc/hosts."
)
@click.option(
    "--tmpfs", multiple=True, metavar="DIR[:size=…]", help="Mount an empty file system in memory."
)
@click.option(
    "--mount",
    "mounts",
    multiple=True,
    metavar="type=…",
    help="type=bind,src=DIR,dst=/DIR[,readonly]",
)
@click.option("-m", "--memory", default="", metavar="SIZE", help="Memory limit.")
@click.option(
    "--cpus", default=0.0, type=PROCESSORS, metavar="NUMBER", help="Number of processors."
)
@click.option(
    "--pids-limit",
    default="",
    metavar="COUNT",
    help="Processes it may have (8192 where that can be limited; -1 for any).",
)
@click.option("--shm-size", default="", metavar="SIZE", help="Size of /dev/shm.")
@click.option("--ulimit", "ulimits", multiple=True, metavar="NAME=SOFT[:HARD]", help="Limit.")
@click.option("--cap-add", multiple=True, metavar="NAME", help="Give a capability, or ALL.")
@click.option(
    "--security-opt",
    "security_opts",
    multiple=True,
    metavar="OPTION",
    help="apparmor=PROFILE, no-new-privileges, seccomp=unconfined|FILE, systempaths=unconfined.",
)
@click.option("--cap-drop", multiple=True, metavar="NAME", help="Take a capability, or ALL.")
@options.platform("Platform to pull.", defaults=True)
@click.option(
    "--ca-bundle", default="", metavar="FILE|host", help="CA certificates that programs trust."
)
@click.option(
    "--isolation", default="", metavar="DRIVER", help="Sandbox to use (see doctor), or auto."
)
@click.option("--snapshotter", default="", metavar="NAME", help="Maker of root file systems.")
@click.option("--dns", multiple=True, metavar="ADDRESS", help="Name server.")
@click.option("--dns-search", multiple=True, metavar="DOMAIN", help="Domain of short names.")
@click.option(
    "--dns-option",
    "--dns-opt",
    "dns_options",
    multiple=True,
    metavar="OPTION",
    help="Option of /etc/resolv.conf.",
)
@click.option("--group-add", "groups", multiple=True, metavar="GROUP", help="One group more.")
@click.option("--cidfile", default="", metavar="FILE", help="Write the container's ID to a file.")
@click.option(
    "-P", "--publish-all", is_flag=True, help="Publish all ports of the image at free ones."
)
@click.option("--sysctl", "sysctls", multiple=True, metavar="NAME=VALUE", help="Kernel parameter.")
@click.option(
    "--device", "devices", multiple=True, metavar="PATH[:PATH]", help="Give a device of the host."
)
@click.option("--gpus", default="", metavar="all|COUNT|device=…", help="Give GPUs (by CDI).")
@click.option("-d", "--detach", is_flag=True, help="Run in the background, and print the ID.")
@click.option("-l", "--label", "labels", multiple=True, metavar="NAME=VALUE", help="Label it.")
@click.option(
    "--stop-signal", default="", metavar="SIGNAL", help="What `stop` sends, SIGTERM by default."
)
@click.option(
    "--stop-timeout",
    "stop_seconds",
    type=int,
    default=None,
    metavar="SECONDS",
    help="How long `stop` waits before it kills (10).",
)
@click.option("--restart", default="no", hidden=True)
@click.option("--health-cmd", default="", hidden=True)
@click.option("--health-interval", default="", hidden=True)
@click.option("--health-retries", default="", hidden=True)
@click.option("--health-start-interval", default="", hidden=True)
@click.option("--health-start-period", default="", hidden=True)
@click.option("--health-timeout", default="", hidden=True)
@click.option("--no-healthcheck", is_flag=True, hidden=True)
@click.option(
    "--help",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=lambda ctx, _param, value: _show_help(ctx) if value else None,
    help="Show this message and exit.",
)
@click.pass_context
def run(ctx: click.Context, /, image: str, argv: tuple[str, ...], **flags: object) -> int:
    """Run a command in a new container of an image.

    The exit status is the command's; 125 if Jettison fails, 126 if the command cannot be
    executed, 127 if it is not found. Signals are passed on.
    """
    tell_ignored("run", flags)
    if flags["restart"] not in {"", "no"}:
        raise UsageError(
            f"--restart `{flags['restart']}`: no daemon is there to restart a container",
            hint="write a unit of systemd that calls `jettison run`, or call `jettison start`",
        )
    env = environment(texts(flags, "env"), texts(flags, "env_files"))
    entrypoint = flags["entrypoint"]
    request = RunRequest(
        image=image,
        argv=argv,
        name=str(flags["name"]),
        env=env,
        volumes=texts(flags, "volumes"),
        publish=texts(flags, "publish"),
        entrypoint=None if entrypoint is None else str(entrypoint),
        user=str(flags["user"]),
        workdir=str(flags["workdir"]),
        network=str(flags["network"]),
        hostname=str(flags["hostname"]),
        pull=str(flags["pull"]),
        interactive=bool(flags["interactive"]),
        terminal=bool(flags["terminal"]),
        remove=bool(flags["remove"]),
        detach=bool(flags["detach"]),
        readonly=bool(flags["readonly"]),
        init=bool(flags["init"]),
        privileged=bool(flags["privileged"]),
        extra_hosts=extra_hosts(texts(flags, "extra_hosts")),
        tmpfs=texts(flags, "tmpfs"),
        mounts=tuple(mount_fields(each) for each in texts(flags, "mounts")),
        platform=str(flags["platform"]),
        memory_bytes=parse_size("--memory", str(flags["memory"])),
        cpus=float(str(flags["cpus"])),
        pids=parse_pids(str(flags["pids_limit"])),
        shm_bytes=parse_size("--shm-size", str(flags["shm_size"])),
        ulimits=limits(texts(flags, "ulimits")),
        security_opts=texts(flags, "security_opts"),
        cap_add=texts(flags, "cap_add"),
        cap_drop=texts(flags, "cap_drop"),
        labels=texts(flags, "labels"),
        dns=texts(flags, "dns"),
        dns_search=texts(flags, "dns_search"),
        dns_options=texts(flags, "dns_options"),
        groups=texts(flags, "groups"),
        publish_all=bool(flags["publish_all"]),
        sysctls=texts(flags, "sysctls"),
        devices=texts(flags, "devices"),
        gpus=str(flags["gpus"]),
        stop_signal=str(flags["stop_signal"]),
        stop_seconds=None if flags["stop_seconds"] is None else int(str(flags["stop_seconds"])),
    )

    cidfile = str(flags["cidfile"])
    if cidfile and os.path.lexists(cidfile):
        raise UsageError(
            "container ID file found, make sure the other container isn't running or delete "
            f"{cidfile}"
        )

    def work(session: Session) -> int:
        from jettison.api.run import must_pull, pull_image, run_container

        if must_pull(session, request):
            console = make_console("auto", os.environ)
            try:
                pull_image(session, request, console)
            finally:
                console.close()
        if flags["detach"]:
            return _run_detached(session, request, cidfile)
        return run_container(
            session,
            request,
            lambda text: err(f"WARN: {text}\n"),
            on_create=lambda container: _write_id(cidfile, container.record.id),
        )

    try:
        chosen = {name: flags[name] for name in ("isolation", "snapshotter", "ca_bundle")}
        return in_session(ctx, work, **chosen)
    except JettisonError as error:
        if ctx.obj["verbose"]:
            raise
        print_error(error)
        return OURS_FAILED


def _write_id(path: str, container_id: str) -> None:
    """Write an ID to a new file, if one is named.

    Raises:
        UsageError: it cannot be written.
    """
    if not path:
        return
    try:
        with open(path, "x", encoding="ascii") as file:
            file.write(container_id)
    except OSError as error:
        raise UsageError(
            f"failed to create the container ID file `{path}`: {error.strerror}"
        ) from error


def _run_detached(session: Session, request: RunRequest, cidfile: str) -> int:
    """Start a container in the background, and print its ID."""
    from jettison.api.detach import NotExecuted, start_detached
    from jettison.api.run import create_container

    container = create_container(session, request)
    _write_id(cidfile, container.record.id)
    out(f"{container.record.id}\n")
    try:
        for warning in start_detached(session, container):
            err(f"WARN: {warning}\n")
    except NotExecuted as error:
        print_error(error)
        return error.status
    return 0


def mount_fields(text: str) -> dict[str, str]:
    """Return the fields of a ``--mount``; one without a value, such as ``readonly``, has none."""
    return {name: value for name, _, value in (each.partition("=") for each in text.split(","))}


def _show_help(ctx: click.Context) -> None:
    out(ctx.get_help() + "\n")
    ctx.exit()
