"""``--part-of`` and ``--parts``: a build that makes a part of an image for several platforms."""

from __future__ import annotations

import click

from jettison.cli.options import Decorator


def part_flags() -> Decorator:
    """Return the options; their values are ``part_of`` and ``parts``."""
    part_of = click.option(
        "--part-of",
        default="",
        metavar="ID",
        help="Push as a part of the set ID, such as a pipeline run; the last writes the index.",
    )
    parts = click.option(
        "--parts",
        multiple=True,
        metavar="OS/ARCH,…",
        help="Platforms of that set.",
    )
    return lambda command: part_of(parts(command))
