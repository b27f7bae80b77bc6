"""Follows what an image starts, from its config through interpreters, wrappers and scripts.

In:  the files of a tree, the config of the image.
Out: ``Reached``.

Security: files and config are hostile: each text is followed once, the number of uses, the depth
and the bytes read are bounded, and nothing is executed.
"""

from __future__ import annotations

from posixpath import basename

import msgspec

from jettison.analysis.entry.arguments import Call, Kind, call_of
from jettison.analysis.entry.reached import Command, How, Problem, Reached, Use
from jettison.analysis.entry.script import Parameters, Step, steps
from jettison.analysis.entry.search import (
    Found,
    LookupContext,
    find_file,
    find_program,
    lookup_context,
)
from jettison.analysis.entry.shell import shell_text
from jettison.analysis.files import Files
from jettison.analysis.shebang import HEAD_BYTES, MAX_INTERPRETERS, Script, env_call, script_of
from jettison.oci.config import ContainerConfig

MAX_USES = 2_000
"""So many uses are followed."""
_MAX_DEPTH = 40
_MAX_TEXT = 256 << 10
_MAX_BUSYBOX = 4 << 20
_ELF = b"\x7fELF"
_BY_KERNEL = frozenset({How.STARTED, How.INTERPRETER})
"""Others fall back to a shell where the kernel refuses a file without a first line."""


def reached(files: Files, config: ContainerConfig) -> Reached:
    """Return the files that an image starts, in the order in which they are reached."""
    walk = _Walk(files, config)
    entrypoint, cmd = config.entrypoint or (), config.cmd or ()
    if argv := (*entrypoint, *cmd):
        walk.start(Command.ENTRYPOINT if entrypoint else Command.CMD, argv)
    if argv := health_argv(config):
        walk.start(Command.HEALTHCHECK, argv)
    return Reached(tuple(walk.uses), walk.is_whole)


def health_argv(config: ContainerConfig) -> tuple[str, ...]:
    """Return what a HEALTHCHECK executes; empty for none."""
    test = config.healthcheck.test if config.healthcheck is not None else ()
    if test[:1] == ("CMD",):
        return test[1:]
    if test[:1] == ("CMD-SHELL",):
        return (*(config.shell or ("/bin/sh", "-c")), *test[1:2])
    return ()


class _Walk:
    """The way from one config.

    Args:
        files: The tree.
        config: It.
    """

    def __init__(self, files: Files, config: ContainerConfig) -> None:
        self.uses: list[Use] = []
        self.is_whole = True
        self._files = files
        self._context = lookup_context(config)
        self._cmd = config.cmd or ()
        # what is in a volume may be another file when a container runs
        self._volumes = tuple(volume.rstrip("/") + "/" for volume in config.volumes or ())
        self._texts: set[str] = set()
        self._depth = 0

    def start(self, command: Command, argv: tuple[str, ...]) -> None:
        """Follow what a runtime executes."""
        use = Use(command, How.STARTED, argv[0], arguments=argv[1:])
        self._execute(use, self._context)

    def _execute(self, use: Use, context: LookupContext, depth: int = 0) -> None:
        """Follow a program that is executed, and the interpreters of its first line.

        Args:
            use: It.
            context: What its name is relative to.
            depth: So many scripts are its interpreter's.
        """
        found = find_program(self._files, use.name, context)
        if found is None or not self._has_room():
            return
        use = self._found(use, found)
        if use.problem is not None:
            self.uses.append(use)
            return
        head = self._files.read(use.path, HEAD_BYTES, whole=False)
        script = None if head is None else script_of(head)
        if script is not None:
            self._interpret(use, script, context, depth)
            return
        if head is not None and not head.startswith(_ELF) and use.how in _BY_KERNEL:
            self.uses.append(msgspec.structs.replace(use, problem=Problem.NO_PROGRAM))
            return
        self.uses.append(use)
        self._call(use, context)

    def _interpret(self, use: Use, script: Script, context: LookupContext, depth: int) -> None:
        """Follow the interpreter of a script."""
        problem = None
        if depth > MAX_INTERPRETERS:
            problem = Problem.TOO_DEEP
        elif not script.interpreter:
            problem = Problem.NO_INTERPRETER
        self.uses.append(msgspec.structs.replace(use, problem=problem))
        if problem is not None:
            return
        argument = (script.argument,) if script.argument else ()
        # the kernel takes a name as a path, relative to the working directory
        name = script.interpreter if "/" in script.interpreter else f"./{script.interpreter}"
        interpreter = Use(
            use.command,
            How.INTERPRETER,
            name,
            by=use.path,
            line=1,
            is_certain=use.is_certain,
            arguments=(*argument, use.via, *use.arguments),
        )
        if basename(script.interpreter) == "env":
            self._env(interpreter, script, context, depth)
        else:
            self._execute(interpreter, context, depth + 1)

    def _env(self, env: Use, script: Script, context: LookupContext, depth: int) -> None:
        """Follow ``env`` as interpreter of a script, and what it executes for that."""
        call = env_call(script.argument)
        found = find_program(self._files, env.name, context)
        if found is None:
            return
        use = self._found(env, found)
        if use.problem is None and call.splits and "busybox" in basename(use.path):
            use = msgspec.structs.replace(use, problem=Problem.NO_SPLIT)
        self.uses.append(use)
        if use.problem is not None or not call.words or not call.is_known:
            return
        if call.path is not None:
            context = msgspec.structs.replace(context, path=call.path)
        arguments = (*call.words[1:], *env.arguments[1:])
        program = msgspec.structs.replace(env, name=call.words[0], arguments=arguments)
        self._execute(program, context, depth + 1)

    def _call(self, use: Use, context: LookupContext) -> None:
        """Follow what a program does with its arguments."""
        call = call_of(use.name, use.arguments)
        if call is None or self._depth >= _MAX_DEPTH:
            return
        self._depth += 1
        if call.kind is Kind.STARTS:
            if call.path is not None:
                context = msgspec.structs.replace(context, path=call.path)
            words = (call.operand, *call.arguments)
            self._execute(self._next(use, How.WRAPPED, words), context)
        elif call.kind is Kind.SHELL_TEXT:
            zero = "".join(call.arguments[:1])
            called = msgspec.structs.replace(call, arguments=call.arguments[1:])
            self._run(use, use.path, called, call.operand, zero, context)
        else:
            self._read(use, call, context)
        self._depth -= 1

    def _read(self, use: Use, call: Call, context: LookupContext) -> None:
        """Follow a file that an interpreter reads."""
        found = find_file(self._files, call.operand, context)
        if found is None or not self._has_room():
            return
        for ending in call.endings if found.problem is not None else ():
            other = find_file(self._files, call.operand + ending, context)
            found = other if other is not None and other.problem is None else found
        if found.problem is Problem.DIRECTORY and call.kind is Kind.READS:
            found = msgspec.structs.replace(found, problem=None)  # a package
        read = self._found(self._next(use, How.READ, (call.operand, *call.arguments)), found)
        if read.path != use.by or use.how is not How.INTERPRETER:
            self.uses.append(read)
        if call.kind is Kind.SHELL_FILE and read.problem is None:
            by = msgspec.structs.replace(read, by=read.path)
            self._run(by, use.path, call, self._text(read.path), read.via, context)

    def _text(self, path: str) -> str:
        """Return the text of a script that was not followed before; else none."""
        if path in self._texts:
            return ""
        self._texts.add(path)
        data = self._files.read(path, _MAX_TEXT)
        self.is_whole = self.is_whole and data is not None
        return (data or b"").decode(errors="surrogateescape")

    def _run(
        self, use: Use, shell: str, call: Call, text: str, zero: str, context: LookupContext
    ) -> None:
        """Follow what shell text executes.

        Args:
            use: What names in it are named by.
            shell: The file that executes it.
            call: How that was called.
            text: It.
            zero: What it is called.
            context: What names are relative to.
        """
        if call.login:
            context = msgspec.structs.replace(context, path=None)  # profiles set it
        parameters = Parameters(zero, call.arguments)
        for step in steps(shell_text(text, errexit=call.errexit), parameters, context):
            if not self._has_room():
                return
            line = step.line if call.kind is Kind.SHELL_FILE else use.line
            self._step(msgspec.structs.replace(use, line=line), shell, step)

    def _step(self, use: Use, shell: str, step: Step) -> None:
        how = How.READ if step.is_sourced else How.COMMAND
        certain = use.is_certain and step.is_certain
        made = msgspec.structs.replace(self._next(use, how, step.words), is_certain=certain)
        if step.is_sourced:
            found = find_file(self._files, made.name, step.context) if "/" in made.name else None
            if found is not None:
                self.uses.append(self._found(made, found))
            return
        found = find_program(self._files, made.name, step.context)
        if found is None or (found.problem is not None and self._is_applet(shell, made.name)):
            return
        if step.is_given and found.problem is None and not made.name.startswith("-"):
            # a text replaces its arguments where they are no command, mostly
            made = msgspec.structs.replace(made, is_certain=use.is_certain)
        self._execute(made, step.context)

    def _is_applet(self, shell: str, name: str) -> bool:
        """Tell whether a shell is a busybox that may have a command in itself."""
        if "busybox" not in basename(shell) or "/" in name:
            return False
        data = self._files.read(shell, _MAX_BUSYBOX)
        return data is None or b"\0%s\0" % name.encode(errors="surrogateescape") in data

    def _next(self, use: Use, how: How, words: tuple[str, ...]) -> Use:
        """Return what a use leads to, named where that is."""
        command = use.command
        if command is Command.ENTRYPOINT and self._cmd and words == self._cmd[-len(words) :]:
            command = Command.CMD
        return Use(
            command,
            how,
            words[0],
            by=use.by,
            line=use.line,
            is_certain=use.is_certain,
            arguments=words[1:],
        )

    def _found(self, use: Use, found: Found) -> Use:
        in_volume = (found.via or found.path).startswith(self._volumes)
        return msgspec.structs.replace(
            use,
            path=found.path,
            via=found.via,
            problem=found.problem,
            link=found.link,
            is_certain=use.is_certain and not in_volume,
        )

    def _has_room(self) -> bool:
        if len(self.uses) >= MAX_USES:
            self.is_whole = False
            return False
        return True
