"""Command lines that cannot be understood: what is wrong with them and what would be right.

In:  click's exceptions; names of commands.
Out: ``UsageError``.
"""

from __future__ import annotations

from collections.abc import Iterable

import click

from jettison.errors import UsageError
from jettison.spelling import near_misses

ABSENT = {
    "restart": "`jettison stop` and `jettison start` do it",
    "create": "`jettison run -d` makes a container and starts it",
    "pause": "containers cannot be frozen",
    "unpause": "containers cannot be frozen",
    "top": "`jettison exec CONTAINER ps` shows its processes",
    "stats": "its processes are processes of this host: use `top`",
    "commit": "write a Dockerfile, which `jettison build` turns into an image",
    "import": "write `FROM scratch` and `ADD FILE.tar /` in a Dockerfile",
    "search": "registries are looked through on their web pages",
    "bake": "there are no bake files; `jettison build` builds one target, a script several",
    "compose": "there are no services, only images and containers",
    "network": "a container has a network of its own, the host's or none",
    "volume": "directories of the host are mounted: `jettison run -v DIR:/DST`",
    **dict.fromkeys(("swarm", "service", "stack", "node", "secret", "config"), "there is no swarm"),
    **dict.fromkeys(("context", "plugin", "trust", "events"), "there is no daemon"),
}
"""Docker's commands that have no meaning here, and why."""

_IN_GROUPS = {
    "container": {name: ABSENT[name] for name in ABSENT if name not in {"bake", "compose"}}
    | {
        "diff": "`jettison inspect` and `jettison cp` show what is in a container",
        "port": "`jettison ps` shows the ports of a container",
        "rename": "remove it, and run it with another `--name`",
        "update": "remove it, and run it with other limits",
    },
    "buildx": {"bake": ABSENT["bake"]}
    | dict.fromkeys(
        ("create", "use", "rm", "stop", "ls", "bootstrap", "install", "uninstall", "dial-stdio"),
        "there are no builders to choose from: builds run in the process that is called",
    )
    | {
        "imagetools": "`jettison inspect` shows an image, `jettison merge` makes one of several",
        "history": "a build is not kept; `jettison history IMAGE` shows how an image was made",
    },
    "image": {"import": ABSENT["import"]},
    "system": dict.fromkeys(("events", "dial-stdio"), "there is no daemon"),
}
"""The same for subcommands of groups."""


def unknown_command(path: str, name: str, known: Iterable[str]) -> UsageError:
    """Return the error for a subcommand that does not exist.

    Args:
        path: The command line up to it, such as ``jettison image``.
        name: What was written.
        known: What could have been meant.
    """
    group = path.rpartition(" ")[2]
    reason = ABSENT.get(name) if path == "jettison" else _IN_GROUPS.get(group, {}).get(name)
    if reason:
        return UsageError(
            f"there is no `{path} {name}`: {reason}",
            hint="run `jettison help` to see all commands",
        )
    near = near_misses(name, known)
    hint = f"did you mean `{path} {near[0]}`?" if near else f"run `{path} --help`"
    return UsageError(f"unknown command `{path} {name}`", hint=hint)


def usage_error(error: click.ClickException) -> UsageError:
    """Return what click complains about as an error of ours."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "jettison"
    hint = f"run `{path} --help`"
    if isinstance(error, click.NoSuchOption):
        from jettison.cli.compat.lookup import refusal

        why = refusal(path, error.option_name)
        if why is not None:
            return UsageError(f"`{path}` has no `{error.option_name}`: {why[0]}", hint=why[1])
        near = near_misses(error.option_name, error.possibilities or ())
        if near:
            hint = f"did you mean {' or '.join(f'`{each}`' for each in near)}?"
        return UsageError(f"unknown flag `{error.option_name}` of `{path}`", hint=hint)
    if isinstance(error, click.MissingParameter):
        name = error.param.make_metavar(context) if error.param and context else "an argument"
        return UsageError(f"`{path}` needs {name}", hint=hint)
    if isinstance(error, click.BadParameter) and error.param is not None:
        name = max(error.param.opts, key=len) if error.param.opts else error.param.name
        if context is not None and _is_of_environment(context, error.param):
            name = str(error.param.envvar)
        return UsageError(f"`{name}`: {_sentence(error.message)}", hint=hint)
    return UsageError(_sentence(error.message), hint=hint)


def _is_of_environment(context: click.Context, parameter: click.Parameter) -> bool:
    source = context.get_parameter_source(parameter.name or "")
    return source is click.core.ParameterSource.ENVIRONMENT


def _sentence(text: str) -> str:
    """Return a sentence of click's in the form of our messages."""
    text = text.strip().rstrip(".").replace("'", "`")
    return text[:1].lower() + text[1:]
