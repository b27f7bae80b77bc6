"""``jettison build``: docker's flags to a ``BuildRequest``."""

from __future__ import annotations

from collections.abc import Mapping

import click
import msgspec

from jettison.api.request import BuildRequest
from jettison.cli import options
from jettison.cli.attest_flags import attest_flags, attest_of, signer_of
from jettison.cli.cache_flags import cache_exports, cache_flags, cache_imports
from jettison.cli.flags import tell_ignored
from jettison.cli.image_flags import image_fields, image_flags
from jettison.cli.main import settings_of
from jettison.cli.part_flags import part_flags
from jettison.cli.report_flags import ReportingCommand, checks_of, gates_of, report_flags
from jettison.cli.report_output import default_text, parse_reports
from jettison.cli.result_files import remove_stale, result_flags, write_files
from jettison.cli.values import (
    PROCESSORS,
    SECONDS,
    build_arguments,
    entitlement,
    extra_hosts,
    limits,
    pairs,
    parse_pids,
    parse_secret,
    read_stdin,
    texts,
    words,
)
from jettison.exporter.outputs import OutputRequest
from jettison.linux.resources import Resources
from jettison.settings import parse_size

PROGRESS = ("auto", "tty", "plain", "rawjson", "quiet", "none")


@click.command("build", cls=ReportingCommand)
@click.argument("context", metavar="PATH|URL|-")
@click.option(
    "-f",
    "--file",
    "dockerfile",
    default="",
    metavar="FILE",
    help="The Dockerfile (default: PATH/Dockerfile).",
)
@click.option("-t", "--tag", "tags", multiple=True, metavar="NAME[:TAG]", help="Name of the image.")
@click.option("--target", default="", metavar="STAGE", help="Stage to build.")
@click.option(
    "--build-arg", "build_args", multiple=True, metavar="NAME[=VALUE]", help="Value of an ARG."
)
@click.option("--label", "labels", multiple=True, metavar="NAME=VALUE", help="Label of the image.")
@click.option(
    "--annotation",
    "annotations",
    multiple=True,
    metavar="[TYPE:]NAME=VALUE",
    help="Note on the manifest, or as TYPE says: index, manifest[os/arch], …-descriptor.",
)
@click.option(
    "--build-context",
    "contexts",
    multiple=True,
    metavar="NAME=SOURCE",
    help="Additional context: directory, URL, docker-image://…, oci-layout://…",
)
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="TYPE",
    help="Where the result goes: type=oci|docker|local|tar|registry|image,dest=…",
)
@click.option("--push", is_flag=True, help="Push the image to its registry.")
@click.option(
    "--load",
    default="",
    metavar="[=ENGINE]",
    help="Load the image into a running engine: docker, podman, an address; without a value, "
    "into that of DOCKER_HOST or docker's context, if there is one.",
)
@options.platforms("Platform to build for.", defaults=True)
@click.option("--no-cache", is_flag=True, help="Run every step.")
@click.option(
    "--no-cache-filter",
    "no_cache_stages",
    multiple=True,
    metavar="STAGE",
    help="Run every step of these stages.",
)
@click.option("--pull", is_flag=True, help="Ask the registry for newer base images.")
@click.option(
    "--network",
    default="default",
    metavar="MODE",
    help="Network of RUN steps: default, host, none.",
)
@click.option(
    "--add-host",
    "extra_hosts",
    multiple=True,
    metavar="HOST:IP",
    help="Entry of /etc/hosts in RUN steps.",
)
@click.option(
    "--secret",
    "secrets",
    multiple=True,
    metavar="id=…",
    help="Secret for RUN --mount=type=secret: id=ID[,src=FILE|env=NAME]",
)
@click.option(
    "--allow-secret-in-layer",
    "secrets_in_layers",
    is_flag=True,
    help="Let RUN steps write secrets into the image.",
)
@click.option(
    "--ssh",
    multiple=True,
    metavar="ID",
    help="Agent for RUN --mount=type=ssh: default, ID=SOCKET or ID=KEYFILE",
)
@click.option(
    "--allow",
    multiple=True,
    metavar="ENTITLEMENT",
    help="Grant network.host, security.insecure, buildx.local.delete, device or device=NAME.",
)
@click.option(
    "--ulimit", "ulimits", multiple=True, metavar="TYPE=SOFT[:HARD]", help="Limit of RUN steps."
)
@click.option("--shm-size", default="", metavar="SIZE", help="Size of /dev/shm.")
@click.option("-m", "--memory", default="", metavar="SIZE", help="Memory limit of each RUN step.")
@click.option(
    "--cpus",
    default=0.0,
    type=PROCESSORS,
    metavar="NUMBER",
    help="Processors that each RUN step may use.",
)
@click.option(
    "--pids-limit",
    default="",
    metavar="COUNT",
    help="Processes that each RUN step may have (8192 in all where possible; -1 for any).",
)
@click.option(
    "--resource",
    "resources",
    multiple=True,
    metavar="KEY=VALUE",
    help="Limit of each RUN step: memory, memory-swap, cpu-shares, cpu-period, cpu-quota, "
    "cpuset-cpus or cpuset-mems.",
)
@click.option("--memory-swap", default="", metavar="SIZE", help="Memory and swap together.")
@click.option("-c", "--cpu-shares", default="", metavar="NUMBER", help="Share of processors.")
@click.option("--cpu-period", default="", metavar="MICROSECONDS", help="What quotas are of.")
@click.option("--cpu-quota", default="", metavar="MICROSECONDS", help="Time in each period.")
@click.option("--cpuset-cpus", default="", metavar="LIST", help="Processors to use: 0-2,4.")
@click.option("--cpuset-mems", default="", metavar="LIST", help="Memory nodes to use.")
@click.option(
    "--security-opt",
    "security_opts",
    multiple=True,
    metavar="OPTION",
    help="Of each RUN step: apparmor=PROFILE, no-new-privileges, seccomp=unconfined|FILE, "
    "systempaths=unconfined.",
)
@click.option("--cgroup-parent", default="", hidden=True)
@click.option(
    "--step-timeout",
    default=0.0,
    type=SECONDS,
    metavar="SECONDS",
    help="Fail a RUN step that takes longer.",
)
@click.option(
    "--step-log-size",
    default="",
    metavar="SIZE",
    help="Show so much output of each RUN step (2m; 0 for all).",
)
@click.option(
    "--on-error",
    type=click.Choice(["shell"]),
    default=None,
    help="Run a shell where a RUN step failed.",
)
@click.option(
    "--ca-bundle",
    default="",
    metavar="FILE|host|none",
    help="CA certificates that RUN steps trust, for TLS-inspecting proxies.",
)
@click.option(
    "--isolation", default="", metavar="DRIVER", help="Sandbox to use (see doctor), or auto."
)
@click.option("--snapshotter", default="", metavar="NAME", help="Maker of root file systems.")
@click.option("-j", "--jobs", default=0, type=click.IntRange(0), help="RUN steps at the same time.")
@click.option("--offline", is_flag=True, help="Use what the store has, reach for nothing.")
@click.option(
    "--progress",
    type=click.Choice(PROGRESS),
    default="auto",
    envvar="BUILDKIT_PROGRESS",
    help="How to show what happens.",
)
@click.option("--timings", is_flag=True, help="Show where the time went, the longest steps first.")
@click.option("-q", "--quiet", is_flag=True, help="Print the image ID only.")
@result_flags
@image_flags
@click.option("--sizes", is_flag=True, help="Show what each stage left behind.")
@part_flags()
@cache_flags
@report_flags
@attest_flags
@click.option("--explain", is_flag=True, help="Say why each step ran that was not cached.")
@click.option(
    "--trace-inputs", is_flag=True, help="Note which copied files each RUN opens (MS701)."
)
@click.option("--check", is_flag=True, help="Check the Dockerfile, build nothing.")
@click.option("--call", default="", metavar="METHOD", help="build, check, outline or targets.")
@click.option("--rm/--no-rm", default=True, hidden=True)
@click.option("--force-rm", is_flag=True, hidden=True)
@click.option("--compress", is_flag=True, hidden=True)
@click.option("--builder", default="", hidden=True)
@click.option("--disable-content-trust/--enable-content-trust", hidden=True)
@click.pass_context
def build(ctx: click.Context, /, context: str, **flags: object) -> int:
    """Build an image from a Dockerfile and the files of PATH."""
    method = str(flags["call"] or ("check" if flags["check"] else "build"))
    if method != "build":
        from jettison.cli.check import call

        return call(ctx, context, method, flags)
    from jettison.cli.run_build import Progress, run_build

    tell_ignored("build", flags)
    settings = settings_of(
        ctx,
        ca_bundle=flags["ca_bundle"],
        isolation="" if flags["isolation"] == "default" else flags["isolation"],
        snapshotter=flags["snapshotter"],
        jobs=flags["jobs"],
    )
    progress = "quiet" if flags["quiet"] else str(flags["progress"])
    reports = parse_reports(
        texts(flags, "reports"), default_text(progress), sizes=bool(flags["sizes"])
    )
    request = msgspec.structs.replace(
        request_of(context, {**flags, "explain": flags["explain"] or progress == "rawjson"}),
        report=reports.wanted,
        attach_report=reports.attach,
        counterfactual=str(flags["counterfactual"]),
        gates=gates_of(flags),
        baseline=str(flags["baseline"]),
        checks=checks_of(flags),
        probe=str(flags["probe"]),
        attest=attest_of(flags),
        sign=signer_of(flags),
    )
    iidfile, metadata_file = str(flags["iidfile"]), str(flags["metadata_file"])
    remove_stale(iidfile)
    return run_build(
        request,
        settings,
        progress=Progress(progress, timings=bool(flags["timings"])),
        finish=lambda result: write_files(result, iidfile, metadata_file),
        reports=reports,
        on_error=str(flags["on_error"] or ""),
    )


def request_of(context: str, flags: Mapping[str, object]) -> BuildRequest:
    """Return the request that a command line means.

    Raises:
        UsageError: a flag's value is malformed; says which and how it is written.
    """
    dockerfile = str(flags["dockerfile"])
    return BuildRequest(
        context=context,
        dockerfile=dockerfile,
        stdin=read_stdin(context, dockerfile),
        target=str(flags["target"]),
        tags=texts(flags, "tags"),
        **image_fields(flags, build_arguments(texts(flags, "build_args"))),
        labels=pairs("--label", texts(flags, "labels"), need_value=False),
        contexts=pairs("--build-context", texts(flags, "contexts")),
        outputs=_outputs_of(texts(flags, "outputs"), flags),
        platforms=words(flags, "platforms"),
        no_cache=bool(flags["no_cache"]),
        no_cache_stages=words(flags, "no_cache_stages"),
        pull=bool(flags["pull"]),
        push=bool(flags["push"]),
        network=str(flags["network"]),
        extra_hosts=extra_hosts(texts(flags, "extra_hosts")),
        secrets=tuple(parse_secret(each) for each in texts(flags, "secrets")),
        secrets_in_layers=bool(flags["secrets_in_layers"]),
        ssh=texts(flags, "ssh"),
        allow=frozenset(map(entitlement, texts(flags, "allow"))),
        ulimits=limits(texts(flags, "ulimits")),
        shm_bytes=parse_size("--shm-size", str(flags["shm_size"])),
        resources=_resources_of(flags),
        security_opts=texts(flags, "security_opts"),
        step_timeout_seconds=float(str(flags["step_timeout"])),
        step_log_bytes=parse_size("--step-log-size", str(flags["step_log_size"]) or "2m"),
        offline=bool(flags["offline"]),
        explain=bool(flags.get("explain")),
        trace_inputs=bool(flags.get("trace_inputs")),
        part_of=str(flags["part_of"]),
        parts=words(flags, "parts"),
        cache_from=cache_imports(flags) if flags.get("cache_from") else (),
        cache_to=cache_exports(flags) if flags.get("cache_to") else (),
    )


def _outputs_of(given: tuple[str, ...], flags: Mapping[str, object]) -> tuple[OutputRequest, ...]:
    notes, load = texts(flags, "annotations"), str(flags.get("load") or "")
    if not given and not notes and not load:
        return ()
    from jettison.cli.outputs import annotated, loaded, parse_output

    outputs = loaded(tuple(map(parse_output, given)), load)
    return annotated(outputs, notes, push=bool(flags["push"])) if notes else outputs


_LEGACY = (
    *("memory", "memory-swap", "cpu-shares", "cpu-period", "cpu-quota", "cpuset-cpus"),
    "cpuset-mems",
)
"""Flags that are `--resource` of the same name."""


def _resources_of(flags: Mapping[str, object]) -> Resources:
    legacy = {name: str(flags[name.replace("-", "_")]) for name in _LEGACY}
    if not any((*legacy.values(), flags["resources"], flags["cpus"], flags["pids_limit"])):
        return Resources()
    from jettison.cli.resources import parse_resources

    return parse_resources(
        texts(flags, "resources"),
        flags=legacy,
        cpus=float(str(flags["cpus"])),
        pids=parse_pids(str(flags["pids_limit"])),
    )
