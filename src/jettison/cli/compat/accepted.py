"""Flags that are taken so that command lines of docker's work, and what comes of them.

In:  nothing.
Out: by command, flags with a sentence about each. ``WARNED`` are those that are said when they
     are given, since somebody could miss what they ask for.

A flag that does what docker's does stands in neither.
"""

from __future__ import annotations

from collections.abc import Mapping

Notes = Mapping[str, Mapping[str, str]]

_ONE_BUILDER = "there is one builder: the process that is called"
_NO_TRUST = "signatures are not looked at; name images by digest"
_ALL_PLATFORMS = "the images of a name are removed together; an error where there are others"
_BUILDER = {"--builder": f"{_ONE_BUILDER}; it is called `default`"}

WARNED: Notes = {
    "build": {
        "--cgroup-parent": "steps run below the control group of `jettison`; start that one in "
        "another: `systemd-run --user --scope --slice=NAME jettison build …`",
        **_BUILDER,
    },
    "run": dict.fromkeys(
        [
            *("--health-cmd", "--health-interval", "--health-retries", "--health-timeout"),
            *("--health-start-interval", "--health-start-period"),
        ],
        "nothing looks after the health of containers; `jettison exec` runs a check",
    ),
    **dict.fromkeys(("builder prune", "buildx du", "doctor"), _BUILDER),
}
"""Each is followed by what else does it."""

ACCEPTED: Notes = {
    "": {"--debug": "shows tracebacks of errors; stands anywhere on the line"},
    "build": {
        "--compress": "the context is read where it is, and is sent nowhere",
        "--rm": "a step leaves no container; with `--rm=false` neither",
        "--force-rm": "a step leaves no container",
        "--disable-content-trust": _NO_TRUST,
    },
    "run": {
        "--restart": "`no` is what happens; nothing restarts containers: others are an error",
        "--no-healthcheck": "nothing looks after the health of containers",
    },
    "images": {"--all": "there are no intermediate images: steps are in the build cache"},
    "rm": {"--volumes": "there are no volumes"},
    "pull": {"--disable-content-trust": _NO_TRUST},
    "push": {"--disable-content-trust": _NO_TRUST},
    "rmi": {
        "--no-prune": "an image here has no untagged parents that could go with it",
        "--platform": _ALL_PLATFORMS,
    },
    "system prune": {"--volumes": "there are no volumes; containers keep nothing outside of them"},
    "doctor": {"--bootstrap": "there is nothing to start"},
}
"""Taken in silence: nothing of what they ask for is lost."""


def notes_of(command: str) -> dict[str, str]:
    """Return the notes of a command's flags, by the long name."""
    return {**ACCEPTED.get(command, {}), **WARNED.get(command, {})}
