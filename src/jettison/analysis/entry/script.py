"""Programs that shell text executes, as far as that can be known without executing it.

In:  commands of a text, its arguments, what names in it are relative to.
Out: ``Step`` values: names of programs and of sourced files, and whether they decide.

Variables have the values of the image, and literal ones that the text gives them; what the text
may change on the way makes all that follows uncertain: files that were sourced, programs that make
files, arguments that were replaced in a condition.
"""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import join

import msgspec

from jettison.analysis.entry.search import LookupContext
from jettison.analysis.entry.shell import ShellText, Simple
from jettison.analysis.entry.shell_words import Token, Variable

_BUILTINS = frozenset(
    {
        *(":", "[", "[[", "]]", "bg", "bind", "break", "builtin", "caller", "compgen", "complete"),
        *("compopt", "continue", "declare", "dirs", "disown", "echo", "enable", "exit", "false"),
        *("fc", "fg", "getopts", "hash", "help", "history", "jobs", "kill", "let", "local"),
        *("logout", "mapfile", "popd", "printf", "pushd", "pwd", "read", "readarray", "readonly"),
        *("return", "shopt", "suspend", "test", "times", "trap", "true", "type", "typeset"),
        *("ulimit", "umask", "unalias", "unset", "wait", "alias", "export", "set", "shift", "eval"),
    }
)
_ASSIGNING = frozenset({"export", "declare", "typeset", "local", "readonly"})
_MAKERS = frozenset(
    {
        *("apk", "apt", "apt-get", "dpkg", "dnf", "yum", "microdnf", "rpm", "pip", "pip3", "uv"),
        *(
            "poetry",
            "npm",
            "npx",
            "yarn",
            "pnpm",
            "bun",
            "gem",
            "bundle",
            "composer",
            "cargo",
            "go",
        ),
        *("make", "cmake", "gcc", "cc", "g++", "rustc", "javac", "mvn", "gradle", "tsc", "curl"),
        *("wget", "git", "tar", "unzip", "gunzip", "cp", "mv", "ln", "install", "rsync", "tee"),
        *("chmod", "mount", "aws", "gsutil", "scp", "mktemp", "dd", "sed", "envsubst"),
    }
)
"""Programs that make files which may be executed after."""


class Parameters(msgspec.Struct, frozen=True):
    """Arguments of a text.

    Args:
        zero: What ``$0`` is.
        values: The others; None if they are not known.
        is_certain: Whether nothing replaced them.
    """

    zero: str = ""
    values: tuple[str, ...] | None = ()
    is_certain: bool = True


class Step(msgspec.Struct, frozen=True):
    """A program that is executed, or a file that is sourced.

    Args:
        words: Its name and those arguments that are known, up to the first that is not.
        line: Of the text, from 1.
        context: What its name is relative to.
        is_certain: Whether the text fails if it cannot be executed.
        is_given: Whether it is the arguments of the text, which the text may have replaced.
        is_sourced: Whether the shell reads it.
    """

    words: tuple[str, ...]
    line: int
    context: LookupContext
    is_certain: bool = False
    is_given: bool = False
    is_sourced: bool = False


def steps(text: ShellText, parameters: Parameters, context: LookupContext) -> Iterator[Step]:
    """Yield what a text executes."""
    return _Evaluation(text, parameters, context).steps()


class _Evaluation:
    """What is known at a command of a text."""

    def __init__(self, text: ShellText, parameters: Parameters, context: LookupContext) -> None:
        self._text = text
        self._parameters = parameters
        self._context = context
        self._variables: dict[str, str | None] = {**context.env, "PATH": context.path}
        self._is_opaque = False

    def steps(self) -> Iterator[Step]:
        """Yield what is executed, in order."""
        for command in self._text.commands:
            for name, value in command.assignments:
                if not command.words:
                    self._assign(name, self._expand(value), conditional=command.is_conditional)
            words = self._words(command)
            if words:
                yield from self._command(command, words)

    def _command(self, command: Simple, words: list[str | None]) -> Iterator[Step]:
        name = words[0]
        if name in {"exec", "command", "builtin", "time"}:
            words = words[1:]
            while name == "exec" and words and words[0] in {"-a", "-c", "-l"}:
                words = words[2 if words[0] == "-a" else 1 :]
            if not words or (words[0] or "").startswith("-"):
                return
            name = words[0]
        if name in {".", "source"}:
            known = _known(words[1:])
            if known:
                yield self._step(command, known[:1], is_sourced=True)
            self._is_opaque = True
        elif name is None or name in self._text.functions or name in _BUILTINS:
            self._builtin(command, words)
        elif name == "cd":
            self._cd(command, words)
        elif name:
            yield self._step(command, _known(words))
            self._is_opaque = self._is_opaque or name.rpartition("/")[2] in _MAKERS

    def _step(self, command: Simple, words: tuple[str, ...], *, is_sourced: bool = False) -> Step:
        given = command.passes_arguments and words == (self._parameters.values or ())[: len(words)]
        decisive = command.decisive and not self._is_opaque
        return Step(
            words,
            command.line,
            self._context,
            decisive and (self._parameters.is_certain or not given),
            is_given=decisive and given,
            is_sourced=is_sourced,
        )

    def _builtin(self, command: Simple, words: list[str | None]) -> None:
        name = words[0]
        if name in _ASSIGNING:
            for word, text in zip(command.words[-len(words) + 1 :], words[1:], strict=False):
                first = word.parts[0] if word.parts else None
                variable, equals, _ = (first if isinstance(first, str) else "").partition("=")
                if equals:
                    value = None if text is None else text.partition("=")[2]
                    self._assign(variable, value, conditional=command.is_conditional)
        elif name == "shift":
            self._replace((self._parameters.values or ())[1:], command)
        elif name == "set" and "--" in words:
            self._replace(_all_known(words[words.index("--") + 1 :]), command)
        elif name == "read":
            self._variables |= dict.fromkeys(_known(words))
        elif name in {"eval", "alias"} or name is None:
            self._is_opaque = True

    def _replace(self, values: tuple[str, ...] | None, command: Simple) -> None:
        """Replace the arguments: surely, or perhaps, where what they were stays likelier."""
        now = self._parameters
        if command.is_conditional:
            self._parameters = msgspec.structs.replace(now, is_certain=False)
        else:
            self._parameters = msgspec.structs.replace(now, values=values)

    def _cd(self, command: Simple, words: list[str | None]) -> None:
        target = words[1] if len(words) == 2 else None
        known = target is not None and not target.startswith("-") and not command.is_conditional
        cwd = join(self._context.cwd, target) if known and target else ""
        cwd = cwd if cwd.startswith("/") else ""
        self._context = msgspec.structs.replace(self._context, cwd=cwd)

    def _assign(self, name: str, value: str | None, *, conditional: bool) -> None:
        self._variables[name] = None if conditional else value
        if name == "PATH":
            self._context = msgspec.structs.replace(self._context, path=self._variables[name])

    def _words(self, command: Simple) -> list[str | None]:
        found: list[str | None] = []
        for word in command.words:
            if word.parts == (Variable("@"),):
                found += self._parameters.values if self._parameters.values is not None else [None]
            else:
                found.append(self._expand(word))
        return found

    def _expand(self, word: Token) -> str | None:
        parts: list[str] = []
        for part in word.parts:
            text = part if isinstance(part, str) else self._value(part)
            if text is None:
                return None
            parts.append(text)
        return "".join(parts)

    def _value(self, variable: Variable | None) -> str | None:
        if variable is None:
            return None
        name, values = variable.name, self._parameters.values
        if name == "0":
            return self._parameters.zero or None
        if name.isdigit():
            at = int(name[:6]) - 1
            return values[at] if values is not None and at < len(values) else variable.default
        value = self._variables.get(name)
        return variable.default if name not in self._variables else value


def _known(words: list[str | None]) -> tuple[str, ...]:
    """Return the words before the first that is not known."""
    end = words.index(None) if None in words else len(words)
    return tuple(word for word in words[:end] if word is not None)


def _all_known(words: list[str | None]) -> tuple[str, ...] | None:
    known = _known(words)
    return known if len(known) == len(words) else None
