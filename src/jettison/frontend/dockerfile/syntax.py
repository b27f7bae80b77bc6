"""The syntax tree of a Dockerfile: what is written, nothing expanded, nothing looked up.

In:  nothing; ``parser.parse`` makes these values.
Out: ``Dockerfile`` with one typed struct per instruction, and ``Node``, the looser tree before
     instructions are checked, which the S-expression dump prints.

Two conventions hold throughout. Text that the language expands later (``$name``, quotes, escapes)
is *raw*: exactly as written after continuation lines are joined. Text that it never expands is
final. Flags that were not given are ``""``, ``()``, ``None`` or False.
"""

from __future__ import annotations

import re

import msgspec

from jettison.errors import Span


class Heredoc(msgspec.Struct, frozen=True):
    """A here-document of RUN, COPY or ADD.

    Args:
        name: The delimiter without quotes; the file's name in COPY and ADD.
        content: The body as written, each line with its newline.
        expand: False when any part of the delimiter was quoted.
        chomp: Whether ``<<-`` was written: leading tabs of body lines do not count.
        file_descriptor: The digits before ``<<``; 0 without.
    """

    name: str
    content: str
    expand: bool = True
    chomp: bool = False
    file_descriptor: int = 0

    @property
    def text(self) -> str:
        """The body after ``<<-`` took its leading tabs."""
        return re.sub(r"(?m)^\t+", "", self.content) if self.chomp else self.content


class KeyValue(msgspec.Struct, frozen=True):
    """A pair of ENV or LABEL; both parts are raw and are expanded."""

    key: str
    value: str


class ArgItem(msgspec.Struct, frozen=True):
    """A variable of ARG; ``value`` is raw, None without ``=``. ``key`` is raw too.

    ``description`` is the comment above in the form ``# key description``.
    """

    key: str
    value: str | None = None
    description: str = ""


class Command(msgspec.Struct, frozen=True):
    """What RUN, CMD, ENTRYPOINT and HEALTHCHECK CMD start; never expanded.

    With ``is_json`` the words are argv, else there is one word (or none): the text for the shell.
    """

    words: tuple[str, ...]
    is_json: bool = False

    @property
    def text(self) -> str:
        """The words joined by blanks: the whole text of the shell form."""
        return " ".join(self.words)


class Instruction(msgspec.Struct, frozen=True, kw_only=True):
    """What all instructions have.

    Args:
        span: All lines of the instruction with its heredocs.
        keyword: The instruction's name as written.
        original: The whole logical line, continuation lines joined.
        comments: Comment lines directly above, without ``#`` and outer blanks.
        flags: Builder flags (``--name=value``) unquoted, in the order written.
    """

    span: Span
    keyword: str
    original: str
    comments: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The instruction's name in upper case."""
        return self.keyword.upper()


class From(Instruction, frozen=True, kw_only=True):
    """``FROM [--platform=P] IMAGE [AS NAME]``; image and platform are raw.

    ``stage_name`` is in lower case, ``stage_name_written`` as written, ``as_keyword`` the word
    between; all are empty without a name. ``description`` is from the comment above.
    """

    image: str
    platform: str = ""
    stage_name: str = ""
    stage_name_written: str = ""
    as_keyword: str = ""
    description: str = ""


class Arg(Instruction, frozen=True, kw_only=True):
    """``ARG NAME[=DEFAULT] …``."""

    items: tuple[ArgItem, ...]


class Env(Instruction, frozen=True, kw_only=True):
    """``ENV KEY=VALUE …``, or ``ENV KEY VALUE`` (``legacy``)."""

    pairs: tuple[KeyValue, ...]
    legacy: bool = False


class Label(Instruction, frozen=True, kw_only=True):
    """``LABEL KEY=VALUE …``, or ``LABEL KEY VALUE`` (``legacy``)."""

    pairs: tuple[KeyValue, ...]
    legacy: bool = False


class Run(Instruction, frozen=True, kw_only=True):
    """``RUN [--mount=…] [--network=…] [--security=…] COMMAND``.

    ``mounts`` are raw texts of comma-separated options for ``mounts.parse_mount``. ``network`` is
    ``default``, ``none`` or ``host``, ``security`` ``sandbox`` or ``insecure``; both are checked.
    ``devices`` are as written.
    """

    command: Command
    heredocs: tuple[Heredoc, ...] = ()
    mounts: tuple[str, ...] = ()
    network: str = "default"
    security: str = "sandbox"
    devices: tuple[str, ...] = ()


class Cmd(Instruction, frozen=True, kw_only=True):
    """``CMD COMMAND``."""

    command: Command


class Entrypoint(Instruction, frozen=True, kw_only=True):
    """``ENTRYPOINT COMMAND``."""

    command: Command


class Shell(Instruction, frozen=True, kw_only=True):
    """``SHELL ["program", …]``."""

    argv: tuple[str, ...]


class Copy(Instruction, frozen=True, kw_only=True):
    """``COPY [flags] SOURCE … DEST``.

    ``sources`` (files, without heredocs), ``dest``, ``chown`` and ``chmod`` are raw;
    ``from_name`` and ``exclude`` are final. ``heredocs`` are in the order of their words.
    """

    sources: tuple[str, ...]
    dest: str
    heredocs: tuple[Heredoc, ...] = ()
    from_name: str = ""
    chown: str = ""
    chmod: str = ""
    link: bool = False
    parents: bool = False
    exclude: tuple[str, ...] = ()


class Add(Instruction, frozen=True, kw_only=True):
    """``ADD [flags] SOURCE … DEST``: as ``Copy``; ``checksum`` is raw.

    ``unpack`` and ``keep_git_dir`` are None when their flag is not given.
    """

    sources: tuple[str, ...]
    dest: str
    heredocs: tuple[Heredoc, ...] = ()
    chown: str = ""
    chmod: str = ""
    link: bool = False
    exclude: tuple[str, ...] = ()
    checksum: str = ""
    keep_git_dir: bool | None = None
    unpack: bool | None = None


class Workdir(Instruction, frozen=True, kw_only=True):
    """``WORKDIR PATH``; raw."""

    path: str


class User(Instruction, frozen=True, kw_only=True):
    """``USER NAME[:GROUP]``; raw."""

    user: str


class Expose(Instruction, frozen=True, kw_only=True):
    """``EXPOSE PORT …``; raw words, each may expand to several (``words.split_words``)."""

    ports: tuple[str, ...]


class Volume(Instruction, frozen=True, kw_only=True):
    """``VOLUME PATH …``; raw."""

    paths: tuple[str, ...]


class StopSignal(Instruction, frozen=True, kw_only=True):
    """``STOPSIGNAL SIGNAL``; raw."""

    signal: str


class Healthcheck(Instruction, frozen=True, kw_only=True):
    """``HEALTHCHECK NONE`` (``command`` is None) or ``HEALTHCHECK [flags] CMD COMMAND``.

    Durations are in nanoseconds; 0 is not given.
    """

    command: Command | None
    interval_ns: int = 0
    timeout_ns: int = 0
    start_period_ns: int = 0
    start_interval_ns: int = 0
    retries: int = 0


class OnBuild(Instruction, frozen=True, kw_only=True):
    """``ONBUILD INSTRUCTION``.

    ``expression`` is what an image config stores: the trigger's text with its heredocs' bodies.
    ``trigger`` is the same, parsed; None when it is wrong, which is an error only where it runs.
    ``parser.parse_trigger`` parses a stored one.
    """

    expression: str
    trigger: Instruction | None


class Maintainer(Instruction, frozen=True, kw_only=True):
    """``MAINTAINER NAME``."""

    text: str


class Directive(msgspec.Struct, frozen=True):
    """A parser directive (``# escape=`` …); ``name`` is in lower case."""

    name: str
    value: str
    span: Span


class SyntaxNote(msgspec.Struct, frozen=True):
    """Something accepted that will become an error; ``rule`` is the lint rule that tells it."""

    rule: str
    message: str
    span: Span


class Dockerfile(msgspec.Struct, frozen=True):
    """A whole file.

    ``text`` is the decoded source, for excerpts. ``escape`` is a backslash or a backtick.
    """

    instructions: tuple[Instruction, ...]
    directives: tuple[Directive, ...] = ()
    escape: str = "\\"
    text: str = ""
    filename: str = "Dockerfile"
    warnings: tuple[SyntaxNote, ...] = ()

    def directive(self, name: str) -> Directive | None:
        """Return the directive of that name, if the file has it."""
        return next((each for each in self.directives if each.name == name), None)


class Node(msgspec.Struct, frozen=True):
    """An instruction split into flags and arguments, before anything is checked.

    Args:
        keyword: The name as written.
        args: Arguments; for ENV and LABEL flat triples ``key, value, separator`` where the
            separator is ``=``, or empty in the legacy form.
        is_json: Whether the arguments were a JSON array.
        child: The trigger of ONBUILD.
    """

    keyword: str
    span: Span
    original: str
    args: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    is_json: bool = False
    heredocs: tuple[Heredoc, ...] = ()
    comments: tuple[str, ...] = ()
    child: Node | None = None
