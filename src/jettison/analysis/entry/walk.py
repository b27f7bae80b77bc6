"""Follows what an image starts, from its config through interpreters, wrappers and scripts.

In:  the files of a tree, the config of the image.
Out: ``Reached``.

Security: files and config are hostile: a use is followed once, the number of uses and the bytes
read are bounded, and nothing is executed.
"""

from __future__ import annotations

import msgspec

from jettison.analysis.entry.reached import Command, How, Problem, Reached, Use
from jettison.analysis.entry.search import (
    Found,
    LookupContext,
    find_program,
    lookup_context,
)
from jettison.analysis.files import Files
from jettison.analysis.shebang import HEAD_BYTES, MAX_INTERPRETERS, Script, env_call, script_of
from jettison.oci.config import ContainerConfig

MAX_USES = 2_000
"""So many uses are followed."""
_ELF = b"\x7fELF"


def reached(files: Files, config: ContainerConfig) -> Reached:
    """Return the files that an image starts, in the order in which they are reached."""
    walk = _Walk(files, lookup_context(config))
    entrypoint, cmd = config.entrypoint or (), config.cmd or ()
    if argv := (*entrypoint, *cmd):
        walk.start(Command.ENTRYPOINT if entrypoint else Command.CMD, argv)
    if config.healthcheck is not None:
        argv = _health_argv(config)
        if argv:
            walk.start(Command.HEALTHCHECK, argv)
    return Reached(tuple(walk.uses), len(walk.uses) < MAX_USES)


def _health_argv(config: ContainerConfig) -> tuple[str, ...]:
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
        context: What names are relative to.
    """

    def __init__(self, files: Files, context: LookupContext) -> None:
        self.uses: list[Use] = []
        self._files = files
        self._context = context

    def start(self, command: Command, argv: tuple[str, ...]) -> None:
        """Follow what a runtime executes."""
        self._execute(Use(command, How.STARTED, argv[0], arguments=argv[1:]), self._context)

    def _execute(self, use: Use, context: LookupContext, depth: int = 0) -> None:
        """Follow a program that is executed, and the interpreters of its first line."""
        found = find_program(self._files, use.name, context)
        if found is None or len(self.uses) >= MAX_USES:
            return
        use = _with(use, found)
        if use.problem is not None:
            self.uses.append(use)
            return
        head = self._files.read(use.path, HEAD_BYTES, whole=False)
        script = None if head is None else script_of(head)
        if script is not None:
            self._interpret(use, script, context, depth)
            return
        if head is not None and not head.startswith(_ELF):
            use = msgspec.structs.replace(use, problem=Problem.NO_PROGRAM)
        self.uses.append(use)

    def _interpret(self, use: Use, script: Script, context: LookupContext, depth: int) -> None:
        problem = None
        if depth > MAX_INTERPRETERS:
            problem = Problem.TOO_DEEP
        elif not script.interpreter:
            problem = Problem.NO_INTERPRETER
        self.uses.append(msgspec.structs.replace(use, problem=problem))
        if problem is not None:
            return
        argument = (script.argument,) if script.argument else ()
        interpreter = Use(
            use.command,
            How.INTERPRETER,
            script.interpreter,
            by=use.path,
            line=1,
            is_certain=use.is_certain,
            arguments=(*argument, use.via, *use.arguments),
        )
        # the kernel takes it as a path, relative to the working directory
        name = script.interpreter if "/" in script.interpreter else f"./{script.interpreter}"
        self._execute(msgspec.structs.replace(interpreter, name=name), context, depth + 1)
        if script.interpreter.rpartition("/")[2] == "env":
            self._env(interpreter, script, context, depth)

    def _env(self, env: Use, script: Script, context: LookupContext, depth: int) -> None:
        """Follow what ``env`` executes for a script."""
        call = env_call(script.argument)
        program = self.uses[-1].path.rpartition("/")[2]
        if call.splits and "busybox" in program and self.uses[-1].how is How.INTERPRETER:
            self.uses[-1] = msgspec.structs.replace(self.uses[-1], problem=Problem.NO_SPLIT)
            return
        if not call.words or not call.is_known:
            return
        if call.path is not None:
            context = msgspec.structs.replace(context, path=call.path)
        use = msgspec.structs.replace(
            env, name=call.words[0], arguments=(*call.words[1:], *env.arguments[1:])
        )
        self._execute(use, context, depth)


def _with(use: Use, found: Found) -> Use:
    return msgspec.structs.replace(
        use, path=found.path, via=found.via, problem=found.problem, link=found.link
    )
