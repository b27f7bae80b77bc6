"""``jettison debug``: what the builder sees."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from jettison.errors import ContextError, JettisonError


@click.group("debug")
def debug() -> None:
    """Look inside: syntax trees and the like."""


@debug.command("parse")
@click.argument("file", default="Dockerfile")
@click.option("--format", "form", type=click.Choice(["sexpr", "json"]), default="sexpr")
def parse(file: str, form: str) -> int:
    """Print the syntax tree of a Dockerfile (``-`` reads standard input)."""
    from jettison.frontend.dockerfile.dump import to_json, to_sexpr  # noqa: PLC0415
    from jettison.frontend.dockerfile.parser import parse as parse_dockerfile  # noqa: PLC0415
    from jettison.frontend.dockerfile.parser import parse_nodes  # noqa: PLC0415

    data = read_dockerfile(file)
    try:
        if form == "sexpr":
            text = to_sexpr(parse_nodes(data))
        else:
            text = to_json(parse_dockerfile(data, filename=file))
    except JettisonError as error:
        error.source = (file, data.decode(errors="replace"))
        raise
    sys.stdout.write(text.rstrip("\n") + "\n")
    return 0


def read_dockerfile(file: str) -> bytes:
    """Return the bytes of a Dockerfile.

    Raises:
        ContextError: it cannot be read.
    """
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise ContextError(f"cannot read `{file}`: {error.strerror}") from error
