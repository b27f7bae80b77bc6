"""Lowering: the instructions of a stage to vertices, config and history.

In:  a stage whose bases are lowered, the state of the compilation.
Out: ``StageState`` with the stage's last vertex and its image.

Source: Dockerfile reference; BuildKit (order of expansion, history, step counts).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from jettison.frontend.dockerfile import syntax
from jettison.frontend.dockerfile.config import ImageState
from jettison.frontend.dockerfile.contexts import SCRATCH
from jettison.frontend.dockerfile.lower_copy import lower_copy
from jettison.frontend.dockerfile.lower_run import lower_run
from jettison.frontend.dockerfile.names import StepNames, shown
from jettison.frontend.dockerfile.ports import parse_ports
from jettison.frontend.dockerfile.scope import Scope
from jettison.frontend.dockerfile.stages import Stage, Step
from jettison.frontend.dockerfile.state import Build, StageState, clean
from jettison.frontend.dockerfile.words import split_words
from jettison.located import located
from jettison.oci.config import Healthcheck
from jettison.plan.op import MkdirOp

_COUNTED = (syntax.Run, syntax.Copy, syntax.Add, syntax.Workdir)


def lower_stage(build: Build, stage: Stage) -> StageState:
    """Lower a stage and keep its state in ``build.done``.

    Raises:
        FrontendError: an instruction is wrong; the error has its place.
    """
    with located(stage.span):
        state = _begin(build, stage)
    for step in stage.steps:
        with located(step.instruction.span):
            _lower(build, state, step)
    build.done[stage.index] = state
    return state


def _begin(build: Build, stage: Stage) -> StageState:
    """Return the state of a stage before its first instruction."""
    request = build.request
    base = build.done[stage.base.index] if stage.base is not None else None
    if base is not None:
        platform = base.platform
    else:  # scratch is for the target, whatever FROM says
        platform = (stage.platform if stage.origin is not None else None) or request.platform
    shown_platform = platform if request.several_platforms else None
    names = StepNames(build.graph.label(stage), count_steps(stage), shown_platform)
    if base is not None:
        root, scope, image = base.root, base.scope.copy(), base.image.child()
    else:
        name = _base_name(build, stage)
        root = build.root(stage, names.next(f"FROM {name}") if name != SCRATCH else "FROM scratch")
        scope, image = Scope(), ImageState(build.image_config(stage), platform)
    scope.set_image_environment(image.env)
    return StageState(
        stage,
        root=root,
        scope=scope,
        image=image,
        names=names,
        platform=platform,
        ignore_cache=is_uncached(stage, no_cache=request.no_cache, names=request.no_cache_stages),
        escape=build.escape,
    )


def count_steps(stage: Stage) -> int:
    """Return how many steps docker counts for a stage."""
    own = sum(isinstance(step.instruction, _COUNTED) for step in stage.steps)
    return own + (stage.base is None and stage.origin is not None)


def is_uncached(stage: Stage, *, no_cache: bool, names: Iterable[str]) -> bool:
    """Tell whether a stage's steps are not looked up; stages are named or numbered."""
    return no_cache or any(
        name.lower() == stage.name or name == str(stage.index) for name in names if name
    )


def _base_name(build: Build, stage: Stage) -> str:
    if stage.origin is None:
        return SCRATCH
    request = build.image_request(stage)
    return request.reference if request is not None else stage.base_name


def _lower(build: Build, state: StageState, step: Step) -> None:
    instruction = step.instruction
    match instruction:
        case syntax.Run():
            lower_run(build, state, step, instruction)
        case syntax.Copy() | syntax.Add():
            lower_copy(build, state, step, instruction)
        case syntax.Workdir():
            _workdir(build, state, step, instruction)
        case syntax.Arg():
            declared = state.scope.declare(
                instruction,
                build_args=build.request.build_args,
                global_values=build.global_values,
                escape=build.escape,
            )
            state.image.add_arguments(declared)
        case syntax.Expose():
            values = state.scope.values
            words = [
                word
                for port in instruction.ports
                for word in split_words(port, values, build.escape).words
            ]
            state.image.add_ports(parse_ports(words))
        case _:
            _METADATA[type(instruction)](state, instruction)


def _workdir(build: Build, state: StageState, step: Step, instruction: syntax.Workdir) -> None:
    path = state.expand(instruction.path)
    if not path.startswith("/"):
        path = clean(state.cwd, path)
    state.image.set_working_dir(path)
    name = shown(instruction.original, state.scope.values)
    if clean(path) == "/":
        state.image.commit(f"WORKDIR {path}")
        return
    state.root = build.add(
        MkdirOp(path=clean(path), owner=state.image.config.user),
        name=state.names.next(name, state.scope.values, on_build=step.on_build),
        base=state.root,
        stage=state.stage.index,
        span=instruction.span,
        ignore_cache=state.ignore_cache,
    )
    state.image.commit(f"WORKDIR {path}", vertex=state.root.digest)


def _env(state: StageState, instruction: syntax.Env) -> None:
    pairs = _pairs(state, instruction.pairs)
    state.scope.set(pairs)
    state.image.set_env(pairs)


def _label(state: StageState, instruction: syntax.Label) -> None:
    state.image.set_labels(_pairs(state, instruction.pairs))


def _pairs(state: StageState, pairs: Iterable[syntax.KeyValue]) -> list[tuple[str, str]]:
    """Expand all pairs with the values from before the instruction."""
    return [(state.expand(pair.key), state.expand(pair.value)) for pair in pairs]


def _cmd(state: StageState, instruction: syntax.Cmd) -> None:
    state.image.set_cmd(_argv(state, instruction.command))


def _entrypoint(state: StageState, instruction: syntax.Entrypoint) -> None:
    state.image.set_entrypoint(_argv(state, instruction.command))


def _argv(state: StageState, command: syntax.Command) -> tuple[str, ...]:
    return command.words if command.is_json else (*state.image.shell, command.text)


def _healthcheck(state: StageState, instruction: syntax.Healthcheck) -> None:
    command = instruction.command
    if command is None:
        test: tuple[str, ...] = ("NONE",)
    elif command.is_json:
        test = ("CMD", *command.words)
    else:
        test = ("CMD-SHELL", command.text)
    state.image.set_healthcheck(
        Healthcheck(
            test=test,
            interval=instruction.interval_ns,
            timeout=instruction.timeout_ns,
            start_period=instruction.start_period_ns,
            start_interval=instruction.start_interval_ns,
            retries=instruction.retries,
        )
    )


def _shell(state: StageState, instruction: syntax.Shell) -> None:
    state.image.set_shell(instruction.argv)


def _user(state: StageState, instruction: syntax.User) -> None:
    state.image.set_user(state.expand(instruction.user))


def _volume(state: StageState, instruction: syntax.Volume) -> None:
    state.image.add_volumes([state.expand(path) for path in instruction.paths])


def _stop_signal(state: StageState, instruction: syntax.StopSignal) -> None:
    state.image.set_stop_signal(state.expand(instruction.signal))


def _maintainer(state: StageState, instruction: syntax.Maintainer) -> None:
    state.image.set_author(instruction.text)


def _on_build(state: StageState, instruction: syntax.OnBuild) -> None:
    state.image.on_build.append(instruction.expression)


_METADATA: dict[type[syntax.Instruction], Callable[[StageState, Any], None]] = {
    syntax.Cmd: _cmd,
    syntax.Entrypoint: _entrypoint,
    syntax.Env: _env,
    syntax.Healthcheck: _healthcheck,
    syntax.Label: _label,
    syntax.Maintainer: _maintainer,
    syntax.OnBuild: _on_build,
    syntax.Shell: _shell,
    syntax.StopSignal: _stop_signal,
    syntax.User: _user,
    syntax.Volume: _volume,
}
