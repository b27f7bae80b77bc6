"""Commands of shell text, and which of them end it when they cannot be executed.

In:  text of a script, or what stands behind ``sh -c``.
Out: ``ShellText``: simple commands in their order.

A command is ``decisive`` if the text fails when it cannot be executed: it stands in no condition,
loop or function, nothing before it may have left the text, and its failure is its last status, or
``set -e`` holds. What is uncertain is not decisive.

Source: POSIX.1-2017, Shell Command Language, 2.9 and 2.10.2.
"""

from __future__ import annotations

import msgspec

from jettison.analysis.entry.shell_words import REDIRECTIONS, Token, Variable, tokens

MAX_COMMANDS = 2_000
"""So many commands of a text are looked at."""

_OPENING = {
    **dict.fromkeys(("if", "case", "{"), ""),
    **dict.fromkeys(("while", "until"), "loop"),
    **dict.fromkeys(("for", "select"), "for"),
}
"""Reserved words that begin a compound command, and what it is in first."""
_HEADERS = frozenset({"for", "case", "pattern", "array"})
"""Where words are no commands: ``for NAME in WORDS``, ``case WORD in``, patterns, ``A=(…)``."""
_HEADER_ENDS = {("for", "do"): "loop", ("case", "in"): "pattern"}
_CLOSING = frozenset({"fi", "done", "esac", "}"})
_INNER = frozenset({"then", "do", "else", "elif", "time"})
_ARM_ENDS = frozenset({";;", ";&", ";;&"})
_JOINS = frozenset({"&&", "||", "|", "|&"})
_CONDITIONS = frozenset(
    {
        *("[", "[[", "test", "command", "type", "which", "hash", "grep", "egrep", "fgrep"),
        *("id", "expr", "false", "pgrep", "getent", "cmp", "diff"),
    }
)
"""Commands that are executed for their status: what follows ``&&`` may be left out."""


class Simple(msgspec.Struct, frozen=True):
    """A simple command.

    Args:
        words: Its words, assignments and redirections left out.
        assignments: Names and values of what stands before it.
        line: Of the text, from 1.
        decisive: See the module.
        is_conditional: Whether it may be left out, or stands in a loop, a function or a sub-shell.
    """

    words: tuple[Token, ...] = ()
    assignments: tuple[tuple[str, Token], ...] = ()
    line: int = 0
    decisive: bool = False
    is_conditional: bool = False

    @property
    def name(self) -> str:
        """The first word if a shell replaces nothing in it; else empty."""
        return (self.words[0].literal or "") if self.words else ""

    @property
    def passes_arguments(self) -> bool:
        """Whether the arguments of the text are among its own."""
        return any(Variable("@") in word.parts for word in self.words)


class ShellText(msgspec.Struct, frozen=True):
    """What a text does.

    Args:
        commands: In order, those of functions where these are defined.
        functions: Names of functions.
        is_whole: Whether all of it was understood.
    """

    commands: tuple[Simple, ...] = ()
    functions: frozenset[str] = frozenset()
    is_whole: bool = True


class _Item:
    """Commands joined by operators up to the end of a list's element."""

    def __init__(self) -> None:
        self.commands: list[Simple] = []
        self.joins: list[str] = []
        self.inner: list[Simple] = []
        self.has_compound = False
        self.is_handled = False
        self.errexit = False

    def __bool__(self) -> bool:
        """Tell whether there is something in it."""
        return bool(self.commands) or self.has_compound

    @property
    def is_plain(self) -> bool:
        """Whether its commands run in any case, and its status is that of the last one."""
        last = self.commands[-1].is_conditional if self.commands else False
        return not (self.is_handled or self.has_compound or "||" in self.joins or last)

    @property
    def ends_in_failure(self) -> bool:
        """Whether the text ends if its commands fail: ``a && b || exit 1``."""
        last = self.commands[-1] if self.commands else Simple()
        return (
            self.joins[-1:] == ["||"]
            and set(self.joins[:-1]) <= {"&&"}
            and not (self.has_compound or self.is_handled)
            and last.name == "exit"
            and not _leaves(last)
        )

    @property
    def has_condition(self) -> bool:
        """Whether what follows may be left out."""
        return "||" in self.joins or any(each.name in _CONDITIONS for each in self.commands)


class _Parser:
    """Reads a list of tokens once.

    Args:
        found: The tokens.
        errexit: Whether ``set -e`` holds from the start.
    """

    def __init__(self, found: list[Token], *, errexit: bool) -> None:
        self.functions: set[str] = set()
        self.order: list[Simple] = []
        self.items: list[_Item] = []
        self.function_leaves = False
        self._tokens = found
        self._errexit = errexit
        self._frames: list[str] = []
        self._item = _Item()
        self._words: list[Token] = []
        self._assignments: list[tuple[str, Token]] = []
        self._line = 0
        self._defines = False
        self._awaits_name = False
        self._in_test = False

    def parse(self) -> None:
        """Read them."""
        skip = False
        for at, token in enumerate(self._tokens):
            if self._in_test:
                self._in_test = token.literal != "]]"
            elif skip and not token.operator:
                skip = False
            elif token.operator in REDIRECTIONS:
                skip = True
            elif token.operator:
                skip = False
                following = self._tokens[at + 1 : at + 2]
                empty = bool(following) and following[0].operator == ")"
                self._operator(token.operator, empty=empty)
            elif not self._reserved(token):
                self._word(token, at)
            if len(self.order) >= MAX_COMMANDS:
                break
        self._operator("\n")

    def _word(self, token: Token, at: int) -> None:
        following = self._tokens[at + 1].operator if at + 1 < len(self._tokens) else ""
        self._line = self._line or token.line
        first = token.parts[0] if token.parts else None
        if not self._words and isinstance(first, str):
            name, equals, value = first.partition("=")
            if equals and name.rstrip("+").isidentifier():
                rest = Token(token.line, "", (value, *token.parts[1:]))
                self._assignments.append((name.rstrip("+"), rest))
                return
        if not (following in REDIRECTIONS and token.reserved.isdigit()):
            self._words.append(token)

    def _reserved(self, token: Token) -> bool:
        """Take a reserved word where one may be; tell whether it is one."""
        word = token.reserved
        frame = self._frames[-1] if self._frames else ""
        if frame in _HEADERS and not (frame == "pattern" and word == "esac"):
            if (frame, word) in _HEADER_ENDS:
                self._frames[-1] = _HEADER_ENDS[frame, word]
            return True
        if self._words or self._assignments:
            return False
        if word in _OPENING:
            self._open(_OPENING[word] or word)
        elif word == "function":
            self._defines = self._awaits_name = True
        elif word in _CLOSING:
            del self._frames[-1:]
            self._item.has_compound = True
        elif word == "!":
            self._item.is_handled = True
        elif word == "[[":
            self._in_test = True
            self._words.append(token)
        elif self._awaits_name:
            self._awaits_name = False
            self.functions.add(word)
        else:
            return word in _INNER
        return True

    def _open(self, frame: str) -> None:
        self._frames.append("function" if self._defines and frame in {"{", "("} else frame)
        self._defines = False

    def _operator(self, operator: str, *, empty: bool = False) -> None:
        frame = self._frames[-1] if self._frames else ""
        if frame in _HEADERS:
            if operator == ")" and frame == "pattern":
                self._frames[-1] = "arm"
            elif operator == ")" and frame == "array":
                del self._frames[-1]
        elif operator == "(":
            if len(self._words) == 1 and empty:  # NAME () defines a function
                self.functions.add(self._words[0].literal or "")
                self._words.clear()
                self._frames.append("(")
                self._defines = True
            elif self._words or self._assignments:  # NAME=(WORDS), declare NAME=(WORDS)
                if self._assignments and not self._words:
                    name, value = self._assignments[-1]
                    self._assignments[-1] = (name, Token(value.line, "", (None,)))
                self._frames.append("array")
            elif self._defines and empty:  # function NAME ()
                self._frames.append("(")
            else:
                self._open("(")
        elif operator == ")":
            self._end_command("")
            del self._frames[-1:]
            self._item.has_compound = True
        elif operator in _JOINS:
            self._end_command(operator)
        else:
            self._end_command("")
            self._end_item(is_handled=operator == "&")
            if operator in _ARM_ENDS and frame == "arm":
                self._frames[-1] = "pattern"

    def _end_command(self, join: str) -> None:
        if self._words or self._assignments:
            nested = bool(self._frames)
            words, assignments = tuple(self._words), tuple(self._assignments)
            conditional = nested or self._item.has_condition
            made = Simple(words, assignments, self._line, is_conditional=conditional)
            self.order.append(made)
            if "function" in self._frames:
                self.function_leaves = self.function_leaves or _leaves(made)
            elif nested:
                self._item.inner.append(made)
            else:
                self._item.commands.append(made)
                self._set_errexit(made)
        if join and not self._frames:
            self._item.joins.append(join)
        self._words.clear()
        self._assignments.clear()
        self._line = 0

    def _end_item(self, *, is_handled: bool) -> None:
        if not self._frames and self._item:
            self._item.errexit = self._errexit
            self._item.is_handled = self._item.is_handled or is_handled
            self.items.append(self._item)
            self._item = _Item()

    def _set_errexit(self, command: Simple) -> None:
        if command.name != "set":
            return
        words = [word.literal or "" for word in command.words[1:]]
        for before, word in zip(["", *words], words, strict=False):
            if word == "errexit" and before.endswith("o"):
                self._errexit = before.startswith("-")
            elif word.startswith(("-", "+")) and word[1:2] not in {"-", ""} and "e" in word:
                self._errexit = word.startswith("-")


def shell_text(text: str, *, errexit: bool = False) -> ShellText:
    """Return the commands of a text.

    Args:
        text: It.
        errexit: Whether its shell is called with ``-e``.

    >>> [command.name for command in shell_text("cd /srv && exec app").commands if command.decisive]
    ['cd', 'exec']
    """
    found, is_whole = tokens(text)
    parser = _Parser(found, errexit=errexit)
    parser.parse()
    decisive = _decisive(parser) if is_whole else set()
    return ShellText(
        tuple(
            msgspec.structs.replace(command, decisive=id(command) in decisive)
            for command in parser.order
        ),
        frozenset(parser.functions),
        is_whole,
    )


def _decisive(parser: _Parser) -> set[int]:
    """Return the identities of commands that are decisive."""
    found: set[int] = set()
    left = False
    for item in parser.items:
        if left:
            break
        is_last = item is parser.items[-1]
        leaving = any(_is_exec(command) for command in item.commands)
        if item.ends_in_failure:
            found.update(id(command) for command in item.commands[:-1])
        for at, command in enumerate(item.commands):
            last = at == len(item.commands) - 1
            piped = not last and item.joins[at : at + 1] not in (["&&"], [])
            if item.is_plain and not piped and (is_last or leaving or (item.errexit and last)):
                found.add(id(command))
            if item.is_plain:
                left = left or _is_exec(command) or command.name in {"exit", "return"}
        conditional = item.inner if item.is_plain else [*item.inner, *item.commands]
        calls = any(command.name in parser.functions for command in [*item.commands, *item.inner])
        left = left or any(map(_leaves, conditional)) or (calls and parser.function_leaves)
    return found


def _is_exec(command: Simple) -> bool:
    return command.name == "exec" and len(command.words) > 1


def _leaves(command: Simple) -> bool:
    """Tell whether a command that may be executed ends the text otherwise than as a failure.

    One that executes the arguments of the text does in one case what it does in the others.
    """
    if command.name == "exit":
        status = command.words[1].literal if len(command.words) > 1 else "0"
        return status is None or not status.isdigit() or int(status[:9]) == 0
    return _is_exec(command) and not command.passes_arguments
