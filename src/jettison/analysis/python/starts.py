"""How a command starts Python: which interpreter, with what search path, beginning where.

In:  a command as it is executed, its working directory and environment.
Out: ``Start``; None if the command starts no Python.

Source: CPython's ``using/cmdline``; the command lines of gunicorn, uvicorn, hypercorn, celery and
others, as far as they name a module.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

import msgspec

from jettison.analysis.files import Files
from jettison.analysis.packages.base import text
from jettison.analysis.python.closure import Origin
from jettison.analysis.python.interpreters import Interpreter, interpreter_at, is_program
from jettison.analysis.python.lookup import Lookup
from jettison.analysis.python.search_path import Flags, SearchPath, search_path
from jettison.analysis.python.venvs import Venv, venv_of

_WITH_VALUE = {"-W", "-X", "--check-hash-based-pycs"}
_SERVERS = {"gunicorn", "uvicorn", "hypercorn", "granian", "daphne", "waitress-serve", "uwsgi"}
_BY_OPTION = {"celery": ("-A", "--app"), "flask": ("-A", "--app"), "rq": (), "dramatiq": ()}
_BY_OPTION |= {"arq": (), "huey_consumer": (), "huey_consumer.py": (), "taskiq": (), "fastapi": ()}
_BY_OPTION |= {"streamlit": ()}
_WRAPPERS = {"ddtrace-run", "opentelemetry-instrument", "newrelic-admin", "coverage", "watchfiles"}
_TARGET = re.compile(r"([^\W\d]\w*(?:\.[^\W\d]\w*)*):[^\W\d]\w*(?:[.(\[].*)?")
_DOTTED = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_DIRECTORY_OPTIONS = {"gunicorn": "--chdir", "uvicorn": "--app-dir", "celery": "--workdir"}
_SWITCHES = {"--reload", "--preload", "--proxy-headers", "--factory", "--access-log", "--ws"}
_SWITCHES |= {"--no-access-log", "--no-server-header", "--use-colors", "--no-proxy-headers", "-D"}
_SCRIPT_RUNNERS = {"fastapi", "streamlit"}
_MAX_ARGUMENTS = 500
_SHEBANG = 512
_MAX_PASSWD = 1 << 20


class Command(msgspec.Struct, frozen=True):
    """A command as it is executed.

    Args:
        argv: Its words; the first is looked for in ``PATH`` unless it has a slash.
        directory: Where it is executed.
        environment: Its variables.
        home: Home directory of its user.
    """

    argv: tuple[str, ...]
    directory: str = "/"
    environment: dict[str, str] = {}
    home: str = ""


class Start(msgspec.Struct, frozen=True):
    """A Python that a command starts.

    Args:
        command: It.
        program: Path of the interpreter as it is named.
        interpreter: What it leads to.
        venv: The virtual environment that it is in.
        path: Where modules come from.
        origins: Where the program begins.
    """

    command: Command
    program: str
    interpreter: Interpreter
    venv: Venv | None
    path: SearchPath
    origins: tuple[Origin, ...] = ()


def home_of(files: Files, user: str) -> str:
    """Return the home directory of a user: what a runtime sets ``HOME`` to."""
    name = user.partition(":")[0] or "0"
    for line in text(files.read("/etc/passwd", _MAX_PASSWD) or b"").splitlines():
        fields = line.split(":")
        if len(fields) >= 6 and name in (fields[0], fields[2]):
            return fields[5]
    return "/root" if name in {"0", "root"} else "/"


def python_start(lookup: Lookup, command: Command) -> Start | None:
    """Return how a command starts Python."""
    program, arguments = python_command(lookup, command)
    venv = venv_of(lookup, program) if program else None
    found = interpreter_at(lookup, program, venv.home if venv else "") if program else None
    if found is None or not found.library:
        return None
    return _Line(lookup, command, arguments[:_MAX_ARGUMENTS]).start(program, found, venv)


def python_command(lookup: Lookup, command: Command) -> tuple[str, tuple[str, ...]]:
    """Return (interpreter as it is named, its arguments) of a command; ("", ()) without one.

    The interpreter may be missing.
    """
    words = command.argv
    if not words:
        return "", ()
    name = words[0]
    path = posixpath.join(command.directory, name) if "/" in name else _on_path(lookup, command)
    if is_program(path.rpartition("/")[2]):
        return path, words[1:]
    found = lookup.files.find(path) if path else None
    if found is None:
        return "", ()
    named, argument = _shebang(lookup, command, found)
    return (named, (*argument, path, *words[1:])) if named else ("", ())


def _on_path(lookup: Lookup, command: Command) -> str:
    """Return the first program of a name; a link that leads nowhere counts if nothing else does."""
    name = command.argv[0]
    dangling = ""
    for each in command.environment.get("PATH", "").split(":"):
        path = posixpath.normpath(posixpath.join(command.directory, each, name))
        found = lookup.files.find(path)
        if found is not None and lookup.files.entries[found].mode & 0o111:
            return path
        if not dangling and is_program(name) and path in lookup.files.entries:
            dangling = path
    return dangling


def _shebang(lookup: Lookup, command: Command, path: str) -> tuple[str, tuple[str, ...]]:
    """Return (interpreter, options) that a script names, as far as it is a Python."""
    head = text(lookup.files.read(path, _SHEBANG, whole=False) or b"")
    first, _, rest = head.partition("\n")
    words = first[2:].split() if first.startswith("#!") else []
    if words and words[0].endswith("/env"):
        words = [each for each in words[1:] if not each.startswith("-") and "=" not in each]
        if words and is_program(words[0]):
            asked = msgspec.structs.replace(command, argv=(words[0],))
            return _on_path(lookup, asked), tuple(words[1:])
        return "", ()
    if words and is_program(words[0].rpartition("/")[2]):
        return words[0], tuple(words[1:])
    long = re.match(r"'''exec' \"?(/[^\"\n]*?)\"? \"\$0\"", rest)
    if words and long and is_program(long[1].rpartition("/")[2]):
        return long[1], ()
    return "", ()


def _options(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield (option letter, value), and at last ("", script) or ("m", …) or ("c", …)."""
    words = iter(arguments)
    for word in words:
        if word == "-" or not word.startswith("-"):
            yield "", word
            return
        if word.startswith("--"):
            if word in _WITH_VALUE:
                next(words, "")
            continue
        for at, letter in enumerate(word[1:], 2):
            if letter in "mc":
                yield letter, word[at:] or next(words, "")
                return
            if letter in "WX":
                if not word[at:]:
                    next(words, "")
                break
            yield letter, ""


class _Line:
    """Reads the arguments of an interpreter."""

    def __init__(self, lookup: Lookup, command: Command, arguments: Sequence[str]) -> None:
        self.lookup = lookup
        self.files: Files = lookup.files
        self.command = command
        self.arguments = arguments

    def start(self, program: str, interpreter: Interpreter, venv: Venv | None) -> Start:
        options = list(_options(self.arguments))
        letters = {letter for letter, _ in options}
        kind, value = options[-1] if options else ("", "")
        isolated = "I" in letters
        flags = Flags(
            ignore_environment=isolated or "E" in letters,
            no_site="S" in letters,
            no_user_site=isolated or "s" in letters,
            safe_path=isolated or "P" in letters,
        )
        first, origins = self.begin(kind, value)
        path = search_path(
            self.lookup,
            interpreter,
            venv,
            self.command.environment,
            first=first,
            directory=self.command.directory,
            flags=flags,
            home=self.command.home,
        )
        return Start(self.command, program, interpreter, venv, path, origins)

    def begin(self, kind: str, value: str) -> tuple[tuple[str, ...], tuple[Origin, ...]]:
        """Return (what goes first on the search path, where the program begins)."""
        here = self.command.directory
        rest = self._after(value)
        if kind == "m" and _DOTTED.fullmatch(value):
            return self._tool(value, rest, (here,), Origin(module=value))
        if kind == "c":
            return (here,), (Origin(source=value),)
        if kind != "" or not value or value == "-":
            return (here,), ()
        path = posixpath.normpath(posixpath.join(here, value))
        place = self.lookup.directory(path)
        if place is not None:
            main = self.lookup.file(place, "__main__.py")
            return (place,), (Origin(main),) if main else ()
        found = self.files.find(path)
        if found is None:
            return (posixpath.dirname(path),), ()
        head = self.files.read(found, _SHEBANG, whole=False) or b""
        if b"PK\x03\x04" in head or found.endswith((".zip", ".pyz", ".pex")):
            return (found,), ()
        name = path.rpartition("/")[2]
        return self._tool(name, rest, (posixpath.dirname(found),), Origin(found))

    def _after(self, value: str) -> list[str]:
        words = list(self.arguments)
        at = words.index(value) + 1 if value in words else len(words)
        return words[at:]

    def _tool(
        self, name: str, rest: list[str], first: tuple[str, ...], origin: Origin
    ) -> tuple[tuple[str, ...], tuple[Origin, ...]]:
        """Add the module that a server or worker is asked to import."""
        here = self.command.directory
        if name in _WRAPPERS:
            return first, ()
        if name in _SERVERS or name in _BY_OPTION:
            option = _DIRECTORY_OPTIONS.get(name, "")
            chosen = _value(rest, option) if option else ""
            place = posixpath.normpath(posixpath.join(here, chosen))
            script = next((each for each in rest if each.endswith(".py")), "")
            if name in _SCRIPT_RUNNERS and script:
                return self._script(posixpath.join(here, script), first, origin)
            tool = msgspec.structs.replace(origin, is_own=False)
            targets = dict.fromkeys(self._targets(name, rest, place))
            found = tuple(Origin(module=each, is_main=False) for each in targets)
            return (place, *first), (tool, *found)
        return first, (origin,)

    def _script(
        self, path: str, first: tuple[str, ...], tool: Origin
    ) -> tuple[tuple[str, ...], tuple[Origin, ...]]:
        found = self.files.find(path)
        begin = (Origin(found, is_main=False),) if found else ()
        origins = (msgspec.structs.replace(tool, is_own=False), *begin)
        return (posixpath.dirname(posixpath.normpath(path)), *first), origins

    def _targets(self, name: str, rest: list[str], place: str) -> Iterator[str]:
        if _BY_OPTION.get(name):
            value = next(filter(None, (_value(rest, each) for each in _BY_OPTION[name])), "")
            if name == "flask" and not value:
                value = self.command.environment.get("FLASK_APP", "")
            module = value.partition(":")[0].removesuffix(".py")
            if _DOTTED.fullmatch(module):
                yield module
            return
        for before, word in zip(("", *rest), rest, strict=False):
            found = _TARGET.fullmatch(word)
            if found and not _takes_value(before):
                yield found[1]
                return
        if name == "gunicorn":
            plain = [each for each in rest if _DOTTED.fullmatch(each)]
            if plain and self.lookup.has(f"{place}/{plain[-1].replace('.', '/')}.py"):
                yield plain[-1]


def _takes_value(word: str) -> bool:
    """Tell whether what follows a word is its value."""
    if not word.startswith("-") or word in _SWITCHES:
        return False
    return len(word) == 2 if word[1:2] != "-" else "=" not in word


def _value(words: Sequence[str], option: str) -> str:
    """Return the value of an option, empty without it."""
    for word, following in zip(words, (*words[1:], ""), strict=False):
        if word == option:
            return following
        if option.startswith("--") and word.startswith(option + "="):
            return word.partition("=")[2]
        if not option.startswith("--") and word.startswith(option) and len(word) > len(option):
            return word[len(option) :]
    return ""
