"""What programs do with their arguments: start another program, read a file, or run shell text.

In:  the name of a program and its arguments.
Out: ``Call``.

Source: the manuals of the programs. What is not known ends the look: an option that might have a
value could make anything of the next word.
"""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

from jettison.analysis.shebang import env_words


class Kind(StrEnum):
    """What a program does with its first operand."""

    STARTS = "starts"
    READS = "reads"
    SHELL_FILE = "shell file"
    SHELL_TEXT = "shell text"


class Call(msgspec.Struct, frozen=True):
    """What a program was called to do.

    Args:
        kind: See there.
        operand: Name of a program or file, or shell text.
        arguments: What comes behind it.
        path: Value of PATH that the program sets; None if it leaves it.
        errexit: Of shells: whether ``-e`` is given.
        login: Of shells: whether they read profiles first.
        endings: What may follow the name of a file that is read.
    """

    kind: Kind
    operand: str
    arguments: tuple[str, ...] = ()
    path: str | None = None
    errexit: bool = False
    login: bool = False
    endings: tuple[str, ...] = ()


class _Grammar(msgspec.Struct, frozen=True):
    """Options of a program.

    Args:
        valued: Those whose value is the next word.
        final: Those after which no operand is what it else is.
        operands: So many operands come before the one that counts.
        flags: Whether unknown long options have no value of their own.
        kind: What is done with the operand.
        endings: See ``Call``.
        last: Options that the operand follows; without them there is none.
    """

    valued: frozenset[str] = frozenset()
    final: frozenset[str] = frozenset()
    operands: int = 0
    flags: bool = False
    kind: Kind = Kind.STARTS
    endings: tuple[str, ...] = ()
    last: frozenset[str] = frozenset()


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SHELLS = _words("sh ash bash dash ksh mksh zsh busybox-sh")
_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+)*$")
_PYTHON = _Grammar(
    _words("-W -X --check-hash-based-pycs"),
    _words("-c -m -h -V --help --version -"),
    kind=Kind.READS,
)
_NODE = _Grammar(
    _words(
        "-r --require --import --loader --experimental-loader --title -C --conditions"
        " --input-type --watch-path --env-file --icu-data-dir --openssl-config"
        " --test-reporter --test-reporter-destination --diagnostic-dir --redirect-warnings"
    ),
    _words("-e -p -c -i -h -v --eval --print --check --test --run --help --version -"),
    flags=True,
    kind=Kind.READS,
    endings=(".js", ".json", ".node", ".cjs", ".mjs"),
)
_GRAMMARS = {
    "tini": _Grammar(_words("-p -e"), _words("-h --version -l")),
    "docker-init": _Grammar(_words("-p -e"), _words("-h --version -l")),
    "catatonit": _Grammar(_words("-L"), _words("-P -h -V -l")),
    "dumb-init": _Grammar(_words("-r --rewrite"), _words("-h -V --help --version"), flags=True),
    "gosu": _Grammar(operands=1),
    "su-exec": _Grammar(operands=1),
    "setuidgid": _Grammar(operands=1),
    "s6-setuidgid": _Grammar(operands=1),
    "nohup": _Grammar(),
    "setsid": _Grammar(flags=True),
    "nice": _Grammar(_words("-n --adjustment")),
    "ionice": _Grammar(_words("-c -n --class --classdata"), _words("-p -P -u")),
    "timeout": _Grammar(_words("-k -s --kill-after --signal"), operands=1, flags=True),
    "stdbuf": _Grammar(_words("-i -o -e --input --output --error")),
    "time": _Grammar(_words("-f -o")),
    "python": _PYTHON,
    "pypy": _PYTHON,
    "node": _NODE,
    "nodejs": _NODE,
    "perl": _Grammar(_words("-I"), _words("-e -E -v -V -h"), kind=Kind.READS),
    "ruby": _Grammar(
        _words("-I -r -E -C"), _words("-e -v -h -S --version --help"), kind=Kind.READS, flags=True
    ),
    "php": _Grammar(
        _words("-c -d -t -z"), _words("-r -R -B -F -E -S -i -m -v -a -h"), kind=Kind.READS
    ),
    "java": _Grammar(
        _words(
            "-cp -classpath --class-path -p --module-path --add-modules --add-opens --add-exports"
            " --add-reads --upgrade-module-path --limit-modules"
        ),
        _words("-m --module --version -version --source"),
        flags=True,
        kind=Kind.READS,
        last=_words("-jar"),
    ),
}


def call_of(program: str, arguments: tuple[str, ...]) -> Call | None:
    """Return what a program was called to do; None if that is not known.

    >>> call_of("/usr/bin/tini", ("-g", "--", "app", "x")).operand
    'app'
    >>> call_of("bash", ("-ec", "exec app")).errexit
    True
    """
    name = program.rpartition("/")[2]
    if name == "busybox" and arguments and arguments[0] in _SHELLS:
        return _shell(arguments[1:])
    if name in _SHELLS:
        return _shell(arguments)
    if name == "env":
        call = env_words(list(arguments))
        if not call.words:
            return None
        return Call(Kind.STARTS, call.words[0], call.words[1:], call.path)
    if name == "dotnet":
        is_file = arguments[:1] and arguments[0].endswith(".dll")
        return Call(Kind.READS, arguments[0], arguments[1:]) if is_file else None
    grammar = _GRAMMARS.get(name) or _GRAMMARS.get(_VERSION.sub("", name))
    return None if grammar is None else _parsed(grammar, arguments)


def _parsed(grammar: _Grammar, arguments: tuple[str, ...]) -> Call | None:
    at = 0
    while at < len(arguments) and arguments[at].startswith("-"):
        word = arguments[at]
        at += 1
        if word in grammar.last:
            return _operand(grammar, arguments[at:])
        if word == "--":
            break
        if word in grammar.final:
            return None
        if word in grammar.valued:
            at += 1
        elif word.startswith("--") and "=" not in word and not grammar.flags:
            return None
    return None if grammar.last else _operand(grammar, arguments[at:])


def _operand(grammar: _Grammar, rest: tuple[str, ...]) -> Call | None:
    rest = rest[grammar.operands :]
    if not rest or not rest[0]:
        return None
    return Call(grammar.kind, rest[0], rest[1:], endings=grammar.endings)


def _shell(arguments: tuple[str, ...]) -> Call | None:
    """Return what a shell was called for: options may be joined, ``-o`` and ``+o`` have a value."""
    at, errexit, login, is_text = 0, False, False, False
    while at < len(arguments) and arguments[at][:1] in {"-", "+"} and arguments[at] != "-":
        word = arguments[at]
        at += 1
        if word == "--":
            break
        if word.startswith("--"):
            login = login or word == "--login"
            at += word in {"--rcfile", "--init-file"}
            continue
        is_text = is_text or (word[0] == "-" and "c" in word)
        login = login or "l" in word
        errexit = errexit or (word[0] == "-" and "e" in word)
        if word.endswith("o"):
            errexit = errexit or (word[0] == "-" and arguments[at : at + 1] == ("errexit",))
            at += 1
        if "s" in word or "i" in word:
            return None
    if at >= len(arguments):
        return None
    kind = Kind.SHELL_TEXT if is_text else Kind.SHELL_FILE
    return Call(kind, arguments[at], arguments[at + 1 :], errexit=errexit, login=login)
