"""``SOURCE_DATE_EPOCH``: a number, ``context``, a named context, or a stage.

In:  a ``CompileRequest``.
Out: seconds since the epoch; before that, what has to be asked for its time.

A stage that is named must be ``FROM scratch`` with nothing but one ADD of a URL or a repository:
the time is that of the server (``Last-Modified``) or of the commit.

Source: BuildKit's Dockerfile frontend 1.29.
"""

from __future__ import annotations

from collections.abc import Mapping

from jettison.errors import DockerfileSyntaxError, FrontendError
from jettison.frontend.base import CompileRequest, LocalContext
from jettison.frontend.dockerfile import scope
from jettison.frontend.dockerfile.blocks import Block, split
from jettison.frontend.dockerfile.parser import parse
from jettison.frontend.dockerfile.syntax import Add, Arg
from jettison.frontend.dockerfile.words import expand
from jettison.plan.gitref import is_git_reference

EPOCH = "SOURCE_DATE_EPOCH"

_MAX_DIGITS = 12


def named_source(request: CompileRequest) -> tuple[str, str]:
    """Return what the variable names, and the URL whose time is meant if that is a stage.

    Both are empty where it is a number or not given, or where the file cannot be read: who
    compiles it says why.
    """
    text = request.build_args.get(EPOCH, "")
    if is_number(text) or (not text and EPOCH.encode() not in request.text):
        return "", ""
    try:
        file = parse(request.text, filename=request.filename)
        header, blocks = split(file)
        defaults = scope.platform_arguments(request.build_platform, request.platform, "")
        given = request.build_args
        values = scope.global_scope(defaults, header, build_args=given, escape=file.escape)
        text = text or values.get(EPOCH, "")
        if not text or is_number(text):
            return "", ""
        for block in blocks:
            if block[0].stage_name == text.lower() and text not in request.contexts:
                return text, _url(block, values, given, file.escape)
    except FrontendError:
        return "", ""
    return text, ""


def parse_epoch(text: str, request: CompileRequest) -> int | None:
    """Return the time that the variable means, in seconds.

    A context that is a directory has no time: nothing is clamped then, as in BuildKit.

    Raises:
        DockerfileSyntaxError: it means none.
    """
    if is_number(text):
        return int(text)
    if text in request.source_times:
        return request.source_times[text]
    if text == "context" or isinstance(request.contexts.get(text), LocalContext):
        return None
    raise DockerfileSyntaxError(
        f"invalid SOURCE_DATE_EPOCH: {text}",
        hint="give seconds since 1970-01-01 UTC, `context` for the time of a commit, or a stage"
        " that is `FROM scratch` with one ADD of a URL or repository",
    )


def is_number(text: str) -> bool:
    """Tell whether a value is seconds since the epoch."""
    digits = text.removeprefix("-").removeprefix("+")
    return digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS


def _url(
    block: Block, values: Mapping[str, str], build_args: Mapping[str, str], escape: str
) -> str:
    """Return the URL of the ADD that a stage consists of; nothing if it is another kind."""
    first, body = block
    known: dict[str, str] = {}
    added: list[Add] = []
    for instruction in body:
        if isinstance(instruction, Arg):
            for item in instruction.items:
                default = values.get(item.key)
                if item.value is not None:
                    default = expand(item.value, known, escape).text
                value = build_args.get(item.key, default)
                if value is not None:
                    known[item.key] = value
        elif isinstance(instruction, Add):
            added.append(instruction)
        else:
            return ""
    if first.image != "scratch" or len(added) != 1 or len(added[0].sources) != 1:
        return ""
    url = expand(added[0].sources[0], known, escape).text
    return url if is_git_reference(url) or url.startswith(("http://", "https://")) else ""
