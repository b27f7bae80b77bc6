"""RUN: an instruction to one ``ExecOp``.

In:  a RUN, the state of its stage.
Out: a vertex with an input for every mount that has files, and the history entry.

Source: Dockerfile reference, "RUN", "Here-Documents"; BuildKit (defaults and texts).
"""

from __future__ import annotations

import posixpath

from jettison.errors import DockerfileSyntaxError, StageGraphError
from jettison.frontend.dockerfile import history
from jettison.frontend.dockerfile.heredoc import parse_heredoc
from jettison.frontend.dockerfile.mounts import MountSpec, parse_mount
from jettison.frontend.dockerfile.names import heredoc_summary, shown
from jettison.frontend.dockerfile.stages import Stage, Step
from jettison.frontend.dockerfile.state import Build, StageState, clean
from jettison.frontend.dockerfile.syntax import Run
from jettison.frontend.dockerfile.text import quote
from jettison.plan.op import ExecDevice, ExecMount, ExecOp, MountType, Network, Security, Sharing
from jettison.plan.vertex import Vertex

_PIPES = "/dev/pipes"
_SECRETS = "/run/secrets"
_SSH_AGENT = "/run/buildkit/ssh_agent"
_SSH_VARIABLE = "SSH_AUTH_SOCK"
_CACHE_MODE = 0o755
_NETWORKS = {network.value: network for network in Network}


def lower_run(build: Build, state: StageState, step: Step, instruction: Run) -> None:
    """Lower one RUN, the instruction of a step.

    Raises:
        FrontendError: a mount is wrong, or something is asked that was not allowed.
    """
    request = build.request
    argv, script = _argv(instruction, state.image.shell)
    mounts = _Mounts(build, state)
    if script is not None:
        mounts.ops.append(script)
    for index, text in enumerate(instruction.mounts):
        mounts.add(text, step.sources[index])
    op = ExecOp(
        argv=argv,
        env=mounts.environment(),
        cwd=state.cwd,
        user=state.image.config.user,
        network=_network(instruction, request.network, request.allow),
        security=_security(instruction, request.allow),
        mounts=tuple(mounts.ops),
        devices=_devices(instruction.devices),
        hostname=request.build_args.get("BUILDKIT_SANDBOX_HOSTNAME", ""),
        extra_hosts=request.extra_hosts,
        ulimits=request.ulimits,
        shm_bytes=request.shm_bytes,
    )
    name = shown(instruction.original, state.scope.values, frozenset(mounts.secret_variables))
    if instruction.heredocs and parse_heredoc(instruction.command.text) is not None:
        name += f" ({heredoc_summary(instruction.heredocs[0].content)})"
    arguments = state.scope.argument_texts()
    state.root = build.add(
        op,
        name=state.names.next(name, state.scope.values, on_build=step.on_build),
        base=state.root,
        inputs=tuple(mounts.inputs),
        stage=state.stage.index,
        span=instruction.span,
        ignore_cache=state.ignore_cache,
    )
    state.image.commit(history.run_text(argv, arguments), vertex=state.root.digest)


def _argv(instruction: Run, shell: tuple[str, ...]) -> tuple[tuple[str, ...], ExecMount | None]:
    """Return the process, and the script it needs when a heredoc begins with ``#!``.

    A heredoc alone is the text for the shell; among other words the shell reads it itself.
    """
    command = instruction.command
    if command.is_json:
        return command.words, None
    text = command.text
    script: ExecMount | None = None
    if instruction.heredocs:
        heredoc = instruction.heredocs[0]
        if parse_heredoc(text) is None:
            bodies = [f"\n{each.content}{each.name}" for each in instruction.heredocs]
            text += "".join(bodies)
        elif heredoc.text.startswith("#!"):
            text = f"{_PIPES}/{heredoc.name}"
            script = ExecMount(
                type=MountType.FILE,
                target=text,
                readonly=True,
                mode=0o755,
                content=heredoc.text.encode(),
            )
        else:
            text = heredoc.text
    return (*shell, text), script


def _network(instruction: Run, default: Network, allow: frozenset[str]) -> Network:
    network = _NETWORKS[instruction.network]
    if network is Network.DEFAULT:
        return default
    if network is Network.HOST and default is not Network.HOST:
        _require(allow, "network.host")
    return network


def _security(instruction: Run, allow: frozenset[str]) -> Security:
    if instruction.security == Security.INSECURE.value:
        _require(allow, "security.insecure")
        return Security.INSECURE
    return Security.SANDBOX


def _require(allow: frozenset[str], entitlement: str) -> None:
    if entitlement not in allow:
        raise DockerfileSyntaxError(
            f"granting entitlement {entitlement} is not allowed by the build",
            hint=f"allow it with --allow {entitlement}",
        )


class _Mounts:
    """Collects the mounts of one RUN and the vertices that they are of."""

    def __init__(self, build: Build, state: StageState) -> None:
        self.ops: list[ExecMount] = []
        self.inputs: list[Vertex] = []
        self.secret_variables: set[str] = set()
        self._build = build
        self._state = state
        self._agents: list[str] = []

    def add(self, text: str, source: Stage | None) -> None:
        """Take a ``--mount``.

        Args:
            text: Its options, raw.
            source: What ``from`` means.
        """
        mount = parse_mount(text, self._state.expand)
        match mount.type:
            case MountType.SECRET:
                op = self._secret(mount)
            case MountType.SSH:
                op = self._ssh(mount)
            case MountType.TMPFS:
                op = ExecMount(
                    type=MountType.TMPFS,
                    target=self._target(mount.target),
                    readonly=mount.readonly,
                    size_bytes=mount.size_bytes,
                )
            case MountType.CACHE:
                op = self._cache(mount, source)
            case _:
                op = ExecMount(
                    type=MountType.BIND,
                    target=self._target(mount.target),
                    input=self._input(mount, source),
                    source=clean(mount.source),
                    readonly=mount.readonly,
                )
        self.ops.append(op)

    def environment(self) -> tuple[str, ...]:
        """Return the environment of the process: the scope, and where the SSH agent is."""
        values = self._state.scope.values
        environment = self._state.scope.environment()
        if self._agents and _SSH_VARIABLE not in values:
            return (*environment, f"{_SSH_VARIABLE}={self._agents[0]}")
        return environment

    def _target(self, target: str) -> str:
        joined = clean(self._state.cwd, target)
        if joined == "/":
            raise DockerfileSyntaxError('invalid mount target "/"', hint="mount a subdirectory")
        return joined

    def _input(self, mount: MountSpec, source: Stage | None) -> int:
        if source is None:
            vertex = self._build.context()
        else:
            if source.index >= 0 and source.index not in self._build.done:
                raise StageGraphError(
                    f"cannot mount from stage {quote(mount.from_name)} to"
                    f" {quote(mount.target)}, stage needs to be defined before current command",
                    hint="move that stage up",
                )
            vertex = self._build.input(source).vertex
        if vertex not in self.inputs:
            self.inputs.append(vertex)
        return self.inputs.index(vertex)

    def _cache(self, mount: MountSpec, source: Stage | None) -> ExecMount:
        return ExecMount(
            type=MountType.CACHE,
            target=self._target(mount.target),
            input=self._input(mount, source) if source is not None else None,
            source=clean(mount.source),
            readonly=mount.readonly,
            id=self._cache_id(mount),
            sharing=mount.sharing or Sharing.SHARED,
            mode=mount.mode,
            uid=mount.uid or 0,
            gid=mount.gid or 0,
        )

    def _cache_id(self, mount: MountSpec) -> str:
        """Return the name of a cache; one with another mode or owner is another cache."""
        namespace = self._build.request.build_args.get("BUILDKIT_CACHE_MOUNT_NS", "")
        name = f"{namespace}/{mount.id or posixpath.normpath(mount.target)}"
        if (mount.mode, mount.uid, mount.gid) == (None, None, None) or clean(mount.source) != "/":
            return name
        mode = _CACHE_MODE if mount.mode is None else mount.mode
        return f"{name}#{mode:o}:{mount.uid or 0}:{mount.gid or 0}"

    def _secret(self, mount: MountSpec) -> ExecMount:
        name = mount.source or mount.id or mount.target.rstrip("/").rpartition("/")[2]
        target = mount.target
        if mount.env:
            self.secret_variables.add(mount.env)
        elif not target:
            target = f"{_SECRETS}/{name.rstrip('/').rpartition('/')[2]}"
        return ExecMount(
            type=MountType.SECRET,
            target=self._target(target) if target else "",
            readonly=True,
            id=name,
            env=mount.env or "",
            required=mount.required,
            mode=mount.mode,
            uid=mount.uid or 0,
            gid=mount.gid or 0,
        )

    def _ssh(self, mount: MountSpec) -> ExecMount:
        target = mount.target or f"{_SSH_AGENT}.{len(self._agents)}"
        target = self._target(target)
        self._agents.append(target)
        return ExecMount(
            type=MountType.SSH,
            target=target,
            id=mount.id or "default",
            required=mount.required,
            mode=mount.mode,
            uid=mount.uid or 0,
            gid=mount.gid or 0,
        )


def _devices(texts: tuple[str, ...]) -> tuple[ExecDevice, ...]:
    if not texts:
        return ()
    from jettison.frontend.dockerfile.devices import parse_device

    return tuple(map(parse_device, texts))
