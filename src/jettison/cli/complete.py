"""What can stand at a place of a command line that is being typed.

In:  a command whose parameters say by their metavariables what they take.
Out: stages of the Dockerfile that the line names, images and containers of the store, files.

A shell asks with each press of a key: nothing is made, nothing is said, and what cannot be read has
no names.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from jettison.errors import JettisonError

_MAX_BYTES = 1 << 20
_STAGE = re.compile(
    r"^[ \t]*FROM[ \t]+\S.*[ \t]AS[ \t]+([\w.-]+)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE
)
_IMAGE = re.compile(r"IMAGE|NAME\[:TAG")
_BOTH = "NAME..."


def add_completions(command: click.Command) -> None:
    """Let the parameters of a command complete what they take."""
    for parameter in command.params:
        kind = _kind(parameter)
        if kind is not None and parameter._custom_shell_complete is None:
            parameter._custom_shell_complete = kind
    for inner in command.commands.values() if isinstance(command, click.Group) else ():
        add_completions(inner)


Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _kind(parameter: click.Parameter) -> Complete | None:
    """Return what completes a parameter, by its metavariable."""
    named = isinstance(parameter, click.Argument)
    text = parameter.metavar or (str(parameter.name).upper() if named else "")
    if text == "STAGE":
        return _stages
    if text.startswith("CONTAINER:PATH"):
        return _containers_or_files
    if text.startswith("IMAGE:PATH"):
        return _places_in_images
    if text == "CONTAINER|IMAGE":
        return _images_and_containers
    if "CONTAINER" in text and ":CONTAINER" not in text:
        return _containers
    if text == _BOTH:
        return _images_and_containers
    if _IMAGE.search(text):
        return _images
    if text in {"DIR", "PATH|URL|-"}:
        return _directories
    return _files if "FILE" in text or text == "[PATH]" else None


def _stages(ctx: click.Context, _parameter: click.Parameter, start: str) -> list[CompletionItem]:
    return _items(stage_names(_dockerfile(ctx)), start)


def stage_names(text: str) -> list[str]:
    r"""Return the names of stages; the file may be half written, so that no parser takes it.

    >>> stage_names("FROM a AS build\nRUN FROM x\nfrom build as Test")
    ['build', 'Test']
    """
    return list(dict.fromkeys(_STAGE.findall(text)))


def _dockerfile(ctx: click.Context) -> str:
    """Return the text of the Dockerfile that the line names so far; empty if there is none."""
    from jettison.fs.regular import read_small

    given = ctx.params.get("dockerfile") or ""
    context = ctx.params.get("context") or ctx.params.get("path") or "."
    context = context if isinstance(context, str) and os.path.isdir(context) else "."
    for path in [given] if given else [f"{context}/Dockerfile", f"{context}/dockerfile"]:
        with contextlib.suppress(OSError, ValueError):
            data = read_small(path, _MAX_BYTES)
            if data is not None:
                return data.decode(errors="replace")
    return ""


def _images(ctx: click.Context, _parameter: click.Parameter, start: str) -> list[CompletionItem]:
    return _items(_of_store(ctx)[0], start)


def _containers(ctx: click.Context, _: click.Parameter, start: str) -> list[CompletionItem]:
    return _items(_of_store(ctx)[1], start)


def _images_and_containers(
    ctx: click.Context, _: click.Parameter, start: str
) -> list[CompletionItem]:
    images, containers = _of_store(ctx)
    return _items([*containers, *images], start)


def _containers_or_files(
    ctx: click.Context, _: click.Parameter, start: str
) -> list[CompletionItem]:
    if start.startswith((".", "/", "~")):
        return [CompletionItem(start, type="file")]
    return _items([f"{name}:" for name in _of_store(ctx)[1]], start) or [
        CompletionItem(start, type="file")
    ]


def _places_in_images(ctx: click.Context, _: click.Parameter, start: str) -> list[CompletionItem]:
    return _items([f"{name}:/" for name in _of_store(ctx)[0]], start)


def _files(_ctx: click.Context, _parameter: click.Parameter, start: str) -> list[CompletionItem]:
    return [CompletionItem(start, type="file")]


def _directories(_: click.Context, _p: click.Parameter, start: str) -> list[CompletionItem]:
    return [CompletionItem(start, type="dir")]


def _items(names: Iterable[str], start: str) -> list[CompletionItem]:
    # A name of an image may be anything that its registry took: no line end, no escape.
    return [CompletionItem(each) for each in names if each.startswith(start) and each.isprintable()]


def _of_store(ctx: click.Context) -> tuple[list[str], list[str]]:
    """Return the names of images and of containers of the store, if there is one."""
    from jettison.api.session import Session
    from jettison.container.state.catalog import Catalog
    from jettison.linux import userns
    from jettison.oci.reference import parse_reference
    from jettison.settings import load_settings, store_root

    with contextlib.suppress(JettisonError, OSError):
        root = str((ctx.find_root().obj or {}).get("root", ""))
        settings = load_settings(os.environ, root=root)
        place = store_root(settings, os.environ, root_user=not userns.is_rootless())
        if not Path(place).is_dir():
            return [], []
        with Session.open(settings, os.environ) as session:
            tags = session.store.images.tags()
            containers = [each.record.name for each in Catalog(session.store).all()]
        return sorted(parse_reference(tag).familiar for tag in tags), sorted(containers)
    return [], []
