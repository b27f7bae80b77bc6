"""Flags of ``build`` about the image as a whole: its times, its layers, whether it comes out again.

In:  nothing.
Out: click options; their values in the form of a ``BuildRequest``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

from jettison.cli.options import all_of
from jettison.errors import UsageError

_Function = Callable[..., object]
_EPOCH = "SOURCE_DATE_EPOCH"


def image_flags(command: _Function) -> _Function:
    """Let a function have the flags."""
    decorate = all_of(
        click.option(
            "--squash", is_flag=True, help="Make one layer of all that the build adds to its base."
        ),
        click.option(
            "--source-date-epoch",
            default="",
            metavar="SECONDS",
            help="The latest time of files and of the image; `context` for that of a commit.",
        ),
        click.option(
            "--reproducible",
            is_flag=True,
            help="Make the same image everywhere: times are SOURCE_DATE_EPOCH, else 1970.",
        ),
        click.option(
            "--verify-reproducible",
            is_flag=True,
            help="With --reproducible: build twice, fail at the first file that differs.",
        ),
    )
    return decorate(command)


def image_fields(flags: Mapping[str, object], build_args: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of a request that the flags are for, build arguments among them.

    Raises:
        UsageError: flags contradict each other.
    """
    epoch = str(flags.get("source_date_epoch") or "")
    if epoch and build_args.get(_EPOCH, epoch) != epoch:
        raise UsageError(
            f"--source-date-epoch and --build-arg {_EPOCH} say different things",
            hint="use one of them",
        )
    return {
        "build_args": {**build_args, _EPOCH: epoch} if epoch else build_args,
        "squash": bool(flags.get("squash")),
        "reproducible": bool(flags.get("reproducible") or flags.get("verify_reproducible")),
        "verify_reproducible": bool(flags.get("verify_reproducible")),
    }
