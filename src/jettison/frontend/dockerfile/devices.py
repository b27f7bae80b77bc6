"""Devices of RUN: the comma-separated options of ``--device``.

In:  the text of one ``--device``; nothing of it is expanded.
Out: ``ExecDevice``.

Source: Dockerfile reference, "RUN --device"; BuildKit (checks and their texts).
"""

from __future__ import annotations

from jettison.errors import DockerfileSyntaxError
from jettison.frontend.dockerfile.mounts import split_csv
from jettison.frontend.dockerfile.text import did_you_mean, parse_bool
from jettison.plan.op import ExecDevice

_KEYS = ("name", "required")


def parse_device(text: str) -> ExecDevice:
    """Return the device that an option text asks for.

    Raises:
        DockerfileSyntaxError: An option is unknown, or there is no name.

    >>> parse_device("vendor.com/gpu=one,required")
    ExecDevice(name='vendor.com/gpu=one', required=True)
    >>> parse_device("required=false,name=gpu").required
    False
    """
    name, required = "", False
    for field in split_csv(text, "devices"):
        key, equals, value = field.partition("=")
        key = key.lower()
        if key == "required":
            parsed = parse_bool(value) if equals else True
            if parsed is None:
                raise DockerfileSyntaxError(f"invalid value for {key}: {value}")
            required = parsed
        elif key == "name" and equals:
            if name:
                raise DockerfileSyntaxError(f"device name already set to {name}")
            name = value
        elif not name:
            name = field
        elif equals:
            suggestion = did_you_mean(key, _KEYS)
            raise DockerfileSyntaxError(f"unexpected key '{key}' in '{field}'{suggestion}")
        else:
            raise DockerfileSyntaxError(f"invalid field '{field}' must be a key=value pair")
    if not name:
        raise DockerfileSyntaxError(
            "--device names no device", hint="write it like vendor.com/class=name"
        )
    return ExecDevice(name=name, required=required)
