"""Bundler's gems: those that a program's lock file names, and those that are there.

In:  the directory of a ``Gemfile`` in a tree.
Out: ``Bundle``.

Source: Bundler, "gemfile.lock" and "bundle config"; RubyGems, "GEM_HOME", ``specifications``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import msgspec

from jettison.analysis.files import Files

_MAX_LOCK = 8 << 20
_MAX_CONFIG = 256 << 10
_SPEC = re.compile(r"^    ([A-Za-z0-9_.\-]+) \(([^)\s]+)\)$")
_USES = re.compile(r"^      ([A-Za-z0-9_.\-]+)")
_ROOT = re.compile(r"^  ([A-Za-z0-9_.\-]+)")
_GROUP = re.compile(r"^\s*group\b(.*?)\bdo\b")
_GEM = re.compile(r"^\s*gem\s*\(?\s*['\"]([^'\"]+)['\"](.*)$")
_NAMES = re.compile(r"[:'\"]([a-z_]+)")
_GEMFILES = (("/Gemfile", "/Gemfile.lock"), ("/gems.rb", "/gems.locked"))
_PLATFORM = re.compile(r"^(.+?)-((?:x86_64|aarch64|arm|arm64|x86|universal|java|x64)(?:-.*)?)$")
_DEFAULTS = frozenset({"bundler", "rubygems"})


class Gem(msgspec.Struct, frozen=True, order=True):
    """A gem of a lock file."""

    name: str
    version: str


class Bundle(msgspec.Struct, frozen=True):
    """The gems of a program.

    Args:
        directory: Of its Gemfile.
        lock: Path of the lock file.
        places: Directories of gems that were looked into.
        absent: Gems that it needs and that are in none of them, sorted.
        found: How many are there.
    """

    directory: str
    lock: str
    places: tuple[str, ...]
    absent: tuple[Gem, ...]
    found: int


def bundle(files: Files, directory: str, environment: Mapping[str, str]) -> Bundle | None:
    """Return the gems of the program in a directory, None if it has no lock file.

    Args:
        files: Of the tree.
        directory: Without a slash at its end.
        environment: Of the image.
    """
    for gemfile, locked in _GEMFILES:
        data = files.read(directory + locked, _MAX_LOCK)
        if data is None:
            continue
        manifest = files.read(directory + gemfile, _MAX_CONFIG, whole=False)
        config = _config(files, directory, environment)
        without = set(re.split(r"[:\s]+", config.get("BUNDLE_WITHOUT", "")))
        text = data.decode("utf-8", "replace")
        left_out = _only_in((manifest or b"").decode("utf-8", "replace"), without)
        wanted = _wanted(text, left_out)
        places = tuple(_places(files, directory, config, environment))
        there = {
            name.removesuffix(".gemspec")
            for place in places
            for at in ("specifications", "specifications/default")
            for name in files.tree.names(f"{place}/{at}")
        }
        absent = [gem for gem in wanted if not _is_there(gem, there)]
        return Bundle(
            directory, directory + locked, places, tuple(sorted(absent)), len(wanted) - len(absent)
        )
    return None


def _is_there(gem: Gem, there: set[str]) -> bool:
    stem = f"{gem.name}-{gem.version}"
    return stem in there or any(each.startswith(f"{stem}-") for each in there)


def _config(files: Files, directory: str, environment: Mapping[str, str]) -> dict[str, str]:
    known: dict[str, str] = {}
    app = environment.get("BUNDLE_APP_CONFIG", f"{directory}/.bundle")
    for path in ("/root/.bundle/config", f"{app.rstrip('/')}/config"):
        data = files.read(path, _MAX_CONFIG, whole=False)
        for line in (data or b"").decode("utf-8", "replace").split("\n"):
            name, colon, value = line.partition(": ")
            if colon:
                known[name] = value.strip().strip("\"'")
    known.update({name: value for name, value in environment.items() if name.startswith("BUNDLE_")})
    if known.get("BUNDLE_DEPLOYMENT", "") in {"1", "true"}:
        known.setdefault("BUNDLE_PATH", "vendor/bundle")
    return known


def _places(
    files: Files, directory: str, config: Mapping[str, str], environment: Mapping[str, str]
) -> Iterator[str]:
    """Yield the directories that have ``specifications`` of gems."""
    said = config.get("BUNDLE_PATH", "")
    if said:
        base = said if said.startswith("/") else f"{directory}/{said}"
        yield base
        for ruby in files.tree.names(f"{base}/ruby"):
            yield f"{base}/ruby/{ruby}"
    for name in ("GEM_HOME", "GEM_PATH"):
        yield from (each for each in environment.get(name, "").split(":") if each)
    for home in ("/usr/lib/ruby/gems", "/usr/local/lib/ruby/gems", "/var/lib/gems"):
        for ruby in files.tree.names(home):
            yield f"{home}/{ruby}"
    yield "/usr/share/rubygems-integration/all"
    for ruby in files.tree.names("/usr/share/rubygems-integration"):
        yield f"/usr/share/rubygems-integration/{ruby}"


def _wanted(lock: str, left_out: frozenset[str]) -> list[Gem]:
    """Return the gems that the dependencies of a lock file lead to, of registries only."""
    section = ""
    uses: dict[str, list[str]] = {}
    gems: dict[str, Gem] = {}
    roots: list[str] = []
    name = ""
    for line in lock.split("\n"):
        if line[:1].isalpha():
            section, name = line.strip(), ""
            continue
        spec = _SPEC.match(line) if section == "GEM" else None
        if spec is not None:
            name = spec[1]
            uses.setdefault(name, [])
            plain = _PLATFORM.match(spec[2])
            gems.setdefault(name, Gem(name, plain[1] if plain is not None else spec[2]))
        elif section == "GEM" and name and (use := _USES.match(line)) is not None:
            uses[name].append(use[1])
        elif section == "DEPENDENCIES" and (root := _ROOT.match(line)) is not None:
            roots.append(root[1].rstrip("!"))
    pending = [each for each in roots if each not in left_out]
    seen: set[str] = set()
    while pending:
        each = pending.pop()
        if each not in seen:
            seen.add(each)
            pending += uses.get(each, ())
    return [gem for each, gem in gems.items() if each in seen - _DEFAULTS]


def _only_in(gemfile: str, without: set[str]) -> frozenset[str]:
    """Return gems of a Gemfile that are in groups that are left out."""
    found: set[str] = set()
    groups: list[set[str]] = []
    for line in gemfile.split("\n"):
        group = _GROUP.match(line)
        if group is not None:
            groups.append(set(_NAMES.findall(group[1])))
        elif re.match(r"^\s*(?:if|unless|platforms?|source|path|git|install_if)\b.*", line) and (
            re.search(r"\bdo\b|^\s*(?:if|unless)\b", line) is not None
        ):
            groups.append(set())
        elif re.match(r"^\s*end\b", line):
            groups[-1:] = []
        elif (gem := _GEM.match(line)) is not None:
            own = set(re.findall(r"groups?(?::|\s*=>)\s*\[?([^\]]*)", gem[2]))
            names = {each for text in own for each in _NAMES.findall(text)}
            names = names.union(*groups)
            is_conditional = "platform" in gem[2] or "install_if" in gem[2] or set() in groups
            if is_conditional or (names and names <= without):
                found.add(gem[1])
    return frozenset(found)
