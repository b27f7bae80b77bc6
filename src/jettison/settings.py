"""Settings: defaults, overridden by a file, overridden by the environment, overridden by flags.

In:  the environment; ``$XDG_CONFIG_HOME/jettison/config.toml`` (``JETTISON_CONFIG`` names another).
Out: a frozen ``Settings``.

The file's keys and the variables have the fields' names: ``ca_bundle = "host"``,
``JETTISON_CA_BUNDLE=host``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from jettison.errors import UsageError

_LISTS = frozenset({"insecure_registries", "registry_mirrors", "cdi_dirs"})


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What does not change from command to command.

    Args:
        root: Directory of the store; empty is the default place.
        ca_bundle: Value of ``--ca-bundle`` when none is given: a PEM file, ``host``
            or ``none``; empty is ``host`` where ``SSL_CERT_FILE`` is set.
        isolation: Sandbox driver to use, empty for the best that works.
        snapshotter: What makes root file systems of layers: ``overlay``, ``fuse-overlayfs`` or
            ``copy``; empty for the first that works.
        jobs: RUN steps at the same time; 0 means as many as the machine has processors, at
            least 4 since most steps wait.
        insecure_registries: Registries (``host:port``) that are spoken to without TLS checks.
        registry_mirrors: Mirrors of docker.io, tried in order before it.
        keep_bytes: Size budget of the build cache; 0 is the default.
        cdi_dirs: Directories of descriptions of devices; empty for the usual ones.
    """

    root: str = ""
    ca_bundle: str = ""
    isolation: str = ""
    snapshotter: str = ""
    jobs: int = 0
    insecure_registries: tuple[str, ...] = ()
    registry_mirrors: tuple[str, ...] = ()
    keep_bytes: int = 0
    cdi_dirs: tuple[str, ...] = ()


def load_settings(environ: Mapping[str, str], **flags: object) -> Settings:
    """Return the settings that hold.

    Args:
        environ: The process's environment.
        flags: Fields that were given on the command line; None and empty ones are not given.

    Raises:
        UsageError: the file cannot be read or has a wrong key or value; says which.
    """
    values: dict[str, Any] = _from_file(config_path(environ), named="JETTISON_CONFIG" in environ)
    for field in msgspec.structs.fields(Settings):
        text = environ.get(f"JETTISON_{field.name.upper()}")
        if text:
            is_list = field.name in _LISTS
            values[field.name] = text.replace(",", " ").split() if is_list else text
    values.update({name: value for name, value in flags.items() if value})
    try:
        return msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(f"wrong setting: {error}") from error


def config_path(environ: Mapping[str, str]) -> Path:
    """Return where the settings file is, whether it exists or not."""
    if named := environ.get("JETTISON_CONFIG"):
        return Path(named)
    base = environ.get("XDG_CONFIG_HOME") or os.path.join(_home(environ), ".config")
    return Path(base) / "jettison" / "config.toml"


def store_root(settings: Settings, environ: Mapping[str, str], *, root_user: bool) -> Path:
    """Return the directory of the store.

    Root's is ``/var/lib/jettison`` unless ``XDG_DATA_HOME`` says otherwise, everybody else's
    ``~/.local/share/jettison``.
    """
    if settings.root:
        return Path(settings.root).absolute()
    if data := environ.get("XDG_DATA_HOME"):
        return Path(data) / "jettison"
    if root_user:
        return Path("/var/lib/jettison")
    return Path(_home(environ)) / ".local" / "share" / "jettison"


def _home(environ: Mapping[str, str]) -> str:
    return environ.get("HOME") or os.path.expanduser("~")


def _from_file(path: Path, *, named: bool) -> dict[str, Any]:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        if named:
            raise UsageError(f"settings file `{path}` does not exist") from None
        return {}
    except OSError as error:
        raise UsageError(f"cannot read settings file `{path}`: {error.strerror}") from error
    import tomllib  # most people have no settings file

    try:
        return tomllib.loads(data.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"settings file `{path}` is not valid TOML: {error}") from error
