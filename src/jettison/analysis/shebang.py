"""First lines of scripts: which interpreter the kernel executes, and with what.

In:  the first bytes of a file.
Out: ``Script``; for ``env``, what that executes in turn.

Source: Linux, fs/binfmt_script.c (256 bytes are read, one argument, spaces and tabs around it go;
five scripts in a row at most, tried on Linux 6.18); env(1) of GNU coreutils for ``-S``.
"""

from __future__ import annotations

import shlex

import msgspec

HEAD_BYTES = 256
"""So many bytes of a file the kernel looks at."""
MAX_INTERPRETERS = 4
"""So many interpreters in a row may be scripts themselves."""

_BLANK = b" \t"
_VALUED = frozenset({"-u", "--unset", "-C", "--chdir", "-a", "--argv0"})
_SPLIT = "-S"
_SPLIT_LONG = "--split-string"
_MAX_DEPTH = 8
_MAX_TEXT = 1 << 16
_SPLITTING = (_SPLIT, f"{_SPLIT_LONG}=", f"{_SPLIT_LONG} ", "-vS", "-iS")


class Script(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The ``#!`` line of a script.

    Args:
        interpreter: As written; a carriage return at its end is part of it, as for the kernel.
            Empty if the line names none, or does not end where the kernel still looks.
        argument: All that follows it, as the kernel passes it: one argument. Empty for none.
    """

    interpreter: str
    argument: str = ""

    @property
    def has_carriage_return(self) -> bool:
        """Whether the line ends as lines do on Windows, so that the name is another."""
        return self.argument.endswith("\r") or self.interpreter.endswith("\r")

    @property
    def is_template(self) -> bool:
        """Whether a build was to replace the interpreter: ``#!@PERL@``."""
        return self.interpreter.startswith("@")

    @property
    def text(self) -> str:
        """The line as it was written, about."""
        return f"#!{self.interpreter} {self.argument}".rstrip(" ")


class EnvCall(msgspec.Struct, frozen=True):
    """What an ``env`` of a ``#!`` line executes.

    Args:
        words: Program and arguments; empty for none.
        path: Value of ``PATH`` that it sets; None if it does not.
        splits: Whether ``-S`` is needed for it, which the ``env`` of busybox has not.
        is_known: Whether all its options are.
    """

    words: tuple[str, ...] = ()
    path: str | None = None
    splits: bool = False
    is_known: bool = True


def script_of(head: bytes) -> Script | None:
    r"""Return what a file that begins so is executed with; None if it is no script.

    >>> script_of(b"#! /usr/bin/env  python3 -u \nimport os\n")
    Script(interpreter='/usr/bin/env', argument='python3 -u')
    """
    if not head.startswith(b"#!"):
        return None
    line, newline, _ = head[2:HEAD_BYTES].partition(b"\n")
    words = line.strip(_BLANK).replace(b"\t", b" ").split(b" ", 1)
    if not newline and len(head) >= HEAD_BYTES and len(words) < 2:
        return Script("")  # the kernel does not know where its name ends
    name = words[0].split(b"\0")[0]
    argument = line.strip(_BLANK)[len(words[0]) :].strip(_BLANK).split(b"\0")[0]
    return Script(name.decode(errors="surrogateescape"), argument.decode(errors="surrogateescape"))


def env_call(argument: str) -> EnvCall:
    """Return what ``env`` executes when a ``#!`` line gives it an argument.

    >>> env_call("-S PATH=/opt/bin python3 -u").words
    ('python3', '-u')
    >>> env_call("python3 -u").words
    ('python3 -u',)
    """
    for option in _SPLITTING:
        if argument.startswith(option):
            return _split(argument[len(option) :], [])
    return env_words([argument] if argument else [])


def _split(text: str, rest: list[str], depth: int = 0) -> EnvCall:
    if depth > _MAX_DEPTH or len(text) > _MAX_TEXT:
        return EnvCall(splits=True, is_known=False)
    try:
        words = shlex.split(text, comments=True)
    except ValueError:
        return EnvCall(splits=True, is_known=False)
    return env_words([*words, *rest], splits=True, depth=depth + 1)


def env_words(words: list[str], *, splits: bool = False, depth: int = 0) -> EnvCall:
    """Return what ``env`` executes when it is called with some words."""
    path: str | None = None
    at = 0
    while at < len(words) and words[at].startswith("-"):
        word = words[at]
        at += 1
        if word == "--":
            break
        if word in {"-i", "-", "--ignore-environment"}:
            path = path or ""
        elif word in _VALUED:
            at += 1
        elif word.startswith((_SPLIT, _SPLIT_LONG)):
            text = word.removeprefix(_SPLIT_LONG).removeprefix(_SPLIT).lstrip("=")
            text, at = (text, at) if text else ("".join(words[at : at + 1]), at + 1)
            return _split(text, words[at:], depth)
        elif not word.startswith(("--unset=", "--chdir=", "-u", "-C", "-0", "-v")):
            return EnvCall(splits=splits, is_known=False)
    while at < len(words) and "=" in words[at]:
        name, _, value = words[at].partition("=")
        path = value if name == "PATH" else path
        at += 1
    return EnvCall(tuple(words[at:]), path, splits)
