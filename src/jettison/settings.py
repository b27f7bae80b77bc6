"""Settings: defaults, overridden by a file, overridden by the environment, overridden by flags.

In:  the environment; ``$XDG_CONFIG_HOME/jettison/config.toml`` (``JETTISON_CONFIG`` names another).
Out: a frozen ``Settings``.

The file's keys and the variables have the fields' names: ``ca_bundle = "host"``,
``JETTISON_CA_BUNDLE=host``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from jettison.errors import UsageError

_LISTS = frozenset({"insecure_registries", "registry_mirrors", "cdi_dirs"})
_SIZES = frozenset({"keep_bytes", "upload_chunk_bytes"})
_SIZE = re.compile(r"([0-9]{1,30}(?:\.[0-9]{1,30})?)\s*([bkmgt]?)(?:i?b)?", re.IGNORECASE)
_MAX_BYTES = (1 << 63) - 1

_FORMS = {
    "root": 'the path of a directory: root = "/var/lib/jettison"',
    "ca_bundle": '"host", "none" or the path of a file',
    "isolation": 'the name of a sandbox, which `jettison doctor` lists: isolation = "embedded"',
    "snapshotter": '"overlay", "fuse-overlayfs" or "copy"',
    "jobs": "a whole number: jobs = 4",
    "insecure_registries": 'a list: insecure_registries = ["localhost:5000"]',
    "registry_mirrors": 'a list: registry_mirrors = ["mirror.example"]',
    "keep_bytes": 'a size: keep_bytes = "5g"',
    "cdi_dirs": 'a list: cdi_dirs = ["/etc/cdi"]',
    "upload_chunk_bytes": 'a size: upload_chunk_bytes = "64m"',
}
"""How each setting is written in the file."""


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
        keep_bytes: Size budget of the build cache; 0 is the default. Written as a size: ``5g``.
        cdi_dirs: Directories of descriptions of devices; empty for the usual ones.
        upload_chunk_bytes: Most that one request of a push sends; 0 is a whole blob.
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
    upload_chunk_bytes: int = 0


class _Given(msgspec.Struct, frozen=True):
    """A value as it was written, and where."""

    value: Any
    where: str


def load_settings(environ: Mapping[str, str], **flags: object) -> Settings:
    """Return the settings that hold.

    Args:
        environ: The process's environment.
        flags: Fields that were given on the command line; None and empty ones are not given.

    Raises:
        UsageError: the file cannot be read or has a wrong key or value; says which, where, and how
            it is written.
    """
    values = _from_file(config_path(environ), named="JETTISON_CONFIG" in environ)
    for field in msgspec.structs.fields(Settings):
        variable = f"JETTISON_{field.name.upper()}"
        text = environ.get(variable)
        if text:
            value = text.replace(",", " ").split() if field.name in _LISTS else text
            values[field.name] = _Given(value, f"`{variable}`")
    values.update({name: _Given(value, f"`--{name}`") for name, value in flags.items() if value})
    return Settings(**{name: _checked(name, each) for name, each in values.items()})


def _checked(name: str, given: _Given) -> Any:  # noqa: ANN401 - of the field's type
    """Return the value of a field.

    Raises:
        UsageError: it is none of it.
    """
    field = next(each for each in msgspec.structs.fields(Settings) if each.name == name)
    if name in _SIZES and isinstance(given.value, str):
        return parse_size(given.where, given.value)
    try:
        return msgspec.convert(given.value, field.type, strict=False)
    except msgspec.ValidationError:
        raise UsageError(
            f"{given.where}: `{given.value}` is no value of the setting `{name}`",
            hint=f"write {_FORMS[name]}",
        ) from None


def parse_size(what: str, text: str) -> int:
    """Return bytes of a size such as ``64m``; 0 for an empty one.

    Args:
        what: What has it, for messages: a flag, a variable, a line of a file.
        text: As written.

    Raises:
        UsageError: it is none.

    >>> parse_size("--memory", "1.5k"), parse_size("--memory", "2GiB")
    (1536, 2147483648)
    """
    if not text:
        return 0
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(
            f"{what} `{text}` is not a size", hint="write a number with b, k, m, g or t: `5g`"
        )
    unit = 1024 ** " kmgt".index(match[2].lower().replace("b", "") or " ")
    size = int(match[1]) * unit if match[1].isdigit() else int(float(match[1]) * unit)
    if size > _MAX_BYTES:
        raise UsageError(f"{what} `{text}` is more than there can be", hint="write a smaller size")
    return size


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


def _from_file(path: Path, *, named: bool) -> dict[str, _Given]:
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
        text = data.decode()
        found = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"settings file `{path}` is not valid TOML: {error}") from error
    unknown = sorted(found.keys() - _FORMS.keys())
    if unknown:
        raise UsageError(
            f"`{path}`{_line_of(text, unknown[0])}: there is no setting `{unknown[0]}`",
            hint=f"use one of {', '.join(_FORMS)}",
        )
    return {
        name: _Given(value, f"`{path}`{_line_of(text, name)}: `{name}`")
        for name, value in found.items()
    }


def _line_of(text: str, name: str) -> str:
    """Return where a key stands in a file, for messages."""
    key = re.compile(rf"""\s*\[?\s*["']?{re.escape(name)}["']?\s*[\].=]""")
    for number, line in enumerate(text.splitlines(), start=1):
        if key.match(line):
            return f", line {number}"
    return ""
