"""Variables that steer docker and podman, and mean nothing here: said once, where that surprises.

In:  the environment, the name of a command.
Out: lines on standard error.

Variables that do what they do there are read where they matter: BUILDKIT_PROGRESS and
BUILDKIT_COLORS by consoles, DOCKER_DEFAULT_PLATFORM by `--platform`, DOCKER_CONFIG by credentials.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from jettison.cli.notices import notice

COLORS, LOG_LINES = "BUILDKIT_COLORS", "BUILDKIT_TTY_LOG_LINES"
_FALSE = frozenset({"", "0", "f", "false"})
_LOCAL = ("unix:", "npipe:", "fd:")
_BUILDS = frozenset({"build", "check", "builder prune", "buildx du"})
_MOVES = frozenset({"build", "run", "pull", "push"})


class Variable(msgspec.Struct, frozen=True):
    """A variable of others.

    Args:
        reason: What is so instead.
        surprises: Whether somebody who set it to a value could miss something.
        commands: Those that it is about; None for all.
    """

    reason: str
    surprises: Callable[[str], bool]
    commands: frozenset[str] | None = None


def _is_remote(value: str) -> bool:
    return bool(value) and not value.startswith(_LOCAL)


def _is_another(value: str) -> bool:
    return value not in {"", "default"}


def _is_on(value: str) -> bool:
    return value.lower() not in _FALSE


def _is_off(value: str) -> bool:
    return value.lower() in _FALSE - {""}


_BUILT_HERE = "images and builds are those of this machine; `build --load` loads into that engine"

VARIABLES: Mapping[str, Variable] = {
    "DOCKER_HOST": Variable(_BUILT_HERE, _is_remote),
    "CONTAINER_HOST": Variable("images and builds are those of this machine", _is_remote),
    "DOCKER_CONTEXT": Variable(_BUILT_HERE, _is_another),
    "DOCKER_CONTENT_TRUST": Variable(
        "signatures are not looked at; name images by digest", _is_on, _MOVES
    ),
    "DOCKER_BUILDKIT": Variable("there is no older builder", _is_off, _BUILDS),
    "BUILDX_BUILDER": Variable(
        "there is one builder: the process that is called", _is_another, _BUILDS
    ),
    "EXPERIMENTAL_BUILDKIT_SOURCE_POLICY": Variable("there are no source policies", bool, _BUILDS),
    "REGISTRY_AUTH_FILE": Variable(
        "credentials are those of the directory that DOCKER_CONFIG names", bool, _MOVES
    ),
    "BUILDAH_ISOLATION": Variable("use JETTISON_ISOLATION", bool, _BUILDS | {"run"}),
    "BUILDAH_FORMAT": Variable(
        "manifests are OCI's; use --output type=…,oci-mediatypes=false", bool, _BUILDS | {"push"}
    ),
}


def tell_variables(command: str, environ: Mapping[str, str], *, loads: bool = False) -> None:
    """Say which variables are set that mean nothing to a command.

    Args:
        command: Its name here.
        environ: The process's environment.
        loads: Whether it looks for an engine.
    """
    for name, variable in VARIABLES.items():
        value = environ.get(name)
        if value is None or not variable.surprises(value):
            continue
        if loads and variable.reason == _BUILT_HERE:
            continue
        if variable.commands is None or command in variable.commands:
            notice(f"{name} changes nothing: {variable.reason}")
    if command in _MOVES and (COLORS in environ or LOG_LINES in environ):
        from jettison.console.colors import problems

        for each in problems(environ):
            notice(each)
