"""Programs for .NET: the frameworks that they need, and those that are there.

In:  a program of .NET in a tree.
Out: ``DotnetProgram``: each framework that it asks for with the versions that are installed.

Source: .NET, "runtimeconfig.json", "Select the .NET version to use" (roll forward).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import msgspec

from jettison.analysis.files import Files

_MAX_CONFIG = 1 << 20
_VERSION = re.compile(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})(-.*)?$")
_HOMES = ("/usr/share/dotnet", "/usr/lib/dotnet", "/usr/lib64/dotnet", "/usr/local/share/dotnet")
Version = tuple[int, int, int]


class Framework(msgspec.Struct, frozen=True):
    """A framework that a program asks for.

    Args:
        name: ``Microsoft.NETCore.App``.
        version: That is asked for.
        found: Versions that are installed, sorted.
        is_there: Whether one of them will do.
    """

    name: str
    version: str
    found: tuple[str, ...]
    is_there: bool


class DotnetProgram(msgspec.Struct, frozen=True):
    """A program.

    Args:
        config: Its ``runtimeconfig.json``.
        home: Where frameworks are looked for.
        frameworks: Those it asks for; empty if it has its own.
    """

    config: str
    home: str
    frameworks: tuple[Framework, ...]


def dotnet_program(
    files: Files, path: str, program: str, environment: Mapping[str, str]
) -> DotnetProgram | None:
    """Return what a program of .NET asks for.

    Args:
        files: Of the tree.
        path: Of its ``.dll``, or of the executable beside it.
        program: Path of ``dotnet``, links followed; empty if the program is started by itself.
        environment: Of the image.

    Returns:
        None if it is no program of .NET that depends on a framework.
    """
    config = f"{path.removesuffix('.dll')}.runtimeconfig.json"
    data = files.read(config, _MAX_CONFIG)
    try:
        known = msgspec.json.decode((data or b"").removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    options = known.get("runtimeOptions") if isinstance(known, dict) else None
    if not isinstance(options, dict) or "includedFrameworks" in options:
        return None
    wanted = options.get("frameworks")
    listed = wanted if isinstance(wanted, list) else [options.get("framework")]
    policy = environment.get("DOTNET_ROLL_FORWARD") or options.get("rollForward") or "Minor"
    home = _home(files, program, environment)
    frameworks = tuple(
        _framework(files, home, each["name"], each["version"], str(policy))
        for each in listed[:20]
        if isinstance(each, dict)
        and isinstance(each.get("name"), str)
        and isinstance(each.get("version"), str)
        and "/" not in each["name"]
    )
    return DotnetProgram(config, home, frameworks) if frameworks else None


def _home(files: Files, program: str, environment: Mapping[str, str]) -> str:
    if program:
        return program.rpartition("/")[0]
    said = environment.get("DOTNET_ROOT", "").rstrip("/")
    if said:
        return said
    data = files.read("/etc/dotnet/install_location", 4096, whole=False)
    lines = (data or b"").decode("utf-8", "replace").split("\n")
    for home in [lines[0].strip(), *_HOMES]:
        if home and files.tree.names(f"{home}/shared"):
            return home
    return _HOMES[0]


def _framework(files: Files, home: str, name: str, version: str, policy: str) -> Framework:
    found = [each for each in files.tree.names(f"{home}/shared/{name}") if _parsed(each)]
    found.sort(key=lambda each: _parsed(each) or (0, 0, 0))
    return Framework(name, version, tuple(found), is_there=rolls_forward(version, found, policy))


def rolls_forward(wanted: str, found: Iterable[str], policy: str) -> bool:
    """Tell whether one of the versions there will do for the one that is asked for.

    >>> rolls_forward("8.0.1", ["8.0.0"], "Minor"), rolls_forward("8.0.0", ["8.1.3"], "Minor")
    (False, True)
    >>> rolls_forward("7.0.0", ["8.0.0"], "Minor"), rolls_forward("7.0.0", ["8.0.0"], "Major")
    (False, True)
    """
    least = _parsed(wanted)
    if least is None:
        return True
    same = {"disable": 3, "latestpatch": 2, "minor": 1, "latestminor": 1}.get(policy.lower(), 0)
    versions = [each for each in map(_parsed, found) if each is not None]
    return any(each >= least and each[:same] == least[:same] for each in versions)


def _parsed(version: str) -> Version | None:
    found = _VERSION.match(version)
    return (int(found[1]), int(found[2]), int(found[3])) if found is not None else None
