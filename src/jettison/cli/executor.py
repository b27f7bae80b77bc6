"""``jettison executor``: builds and pushes with kaniko's flags."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import click

from jettison.api.request import BuildResult
from jettison.cli.flags import DockerCommand
from jettison.cli.kaniko.request import Job, job_of, notes
from jettison.cli.kaniko.table import FLAGS, Flag
from jettison.cli.main import settings_of
from jettison.console.terminal import err, out
from jettison.errors import ExportError
from jettison.oci.reference import parse_reference

_PLACE = "/kaniko"


def _option(flag: Flag) -> click.Option:
    names = [f"--{flag.name}", *([f"-{flag.short}"] if flag.short else []), flag.parameter]
    text = flag.about.replace("`", "")
    if flag.kind == "list":
        return click.Option(names, multiple=True, help=text, hidden=flag.status != "works")
    if flag.kind == "switch":
        # `--cache=false` is another thing than no `--cache`.
        return click.Option(
            names,
            type=click.BOOL,
            is_flag=False,
            flag_value="true",
            help=text,
            hidden=flag.status != "works",
        )
    return click.Option(names, default="", help=text, hidden=flag.status != "works")


@click.pass_context
def _executor(ctx: click.Context, /, words: tuple[str, ...], **flags: object) -> int:
    """Build an image and push it, with kaniko's flags."""
    if words == ("version",):
        from jettison import __version__

        out(f"jettison {__version__}\n")
        return 0
    if words:
        raise click.UsageError(f"unexpected argument `{words[0]}`")
    for line in notes(flags):
        err(line + "\n")
    job = job_of(flags, os.environ, settings_of(ctx))
    from jettison.cli.run_build import Progress, run_build

    return run_build(
        job.request,
        job.settings,
        progress=Progress(job.progress),
        environ=with_credentials(os.environ, str(flags["kaniko_dir"])),
        finish=lambda result: _write_digests(job, result),
    )


executor = DockerCommand(
    "executor",
    callback=_executor,
    params=[click.Argument(["words"], nargs=-1, metavar="[version]"), *map(_option, FLAGS)],
    help=_executor.__doc__,
    short_help="Build and push with kaniko's flags.",
)


def with_credentials(environ: Mapping[str, str], place: str) -> Mapping[str, str]:
    """Return an environment in which credentials are where kaniko has them.

    Args:
        environ: The process's.
        place: ``--kaniko-dir``; empty is ``KANIKO_DIR``, else ``/kaniko`` unless ``DOCKER_CONFIG``
            names a directory that is there.
    """
    place = place or environ.get("KANIKO_DIR", "")
    if not place and os.path.isdir(environ.get("DOCKER_CONFIG", "")):
        return environ
    directory = os.path.join(place or _PLACE, ".docker")
    if not place and not os.path.exists(os.path.join(directory, "config.json")):
        return environ
    return {**environ, "DOCKER_CONFIG": directory}


def _write_digests(job: Job, result: BuildResult) -> None:
    """Write the files with digests, as kaniko does: a line each for names, else no line break.

    Raises:
        ExportError: one cannot be written.
    """
    digest = str(result.manifest or "")
    names = [parse_reference(each) for each in job.request.tags]
    texts = {
        job.digest_file: digest,
        job.name_digest_file: "".join(f"{name.name}@{digest}\n" for name in names),
        job.name_tag_digest_file: "".join(
            f"{name.name}:{name.tag or 'latest'}@{digest}\n" for name in names
        ),
    }
    for path, text in texts.items():
        if not path:
            continue
        try:
            Path(path).write_text(text)
        except OSError as error:
            raise ExportError(f"cannot write `{path}`: {error.strerror}") from error
