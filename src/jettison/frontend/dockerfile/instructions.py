"""Instructions: nodes to typed structs, with the checks that need no variables.

In:  ``Node``.
Out: one ``Instruction``, or a ``DockerfileSyntaxError`` at its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from jettison.errors import DockerfileSyntaxError
from jettison.frontend.dockerfile import syntax
from jettison.frontend.dockerfile.flags import FLAGS, Flags
from jettison.frontend.dockerfile.heredoc import parse_heredoc
from jettison.frontend.dockerfile.mounts import check_mount
from jettison.frontend.dockerfile.syntax import Command, Heredoc, Instruction, KeyValue, Node
from jettison.frontend.dockerfile.text import SPACES, did_you_mean, quote
from jettison.located import located

_STAGE_NAME = re.compile(r"[a-z][a-z0-9\-_.]*")
_MAX_RETRIES = 2**31 - 1
_MIN_INTERVAL_NS = 1_000_000
_NETWORKS = ("default", "none", "host")
_SECURITY = ("sandbox", "insecure")

_Common = dict[str, Any]
_Builder = Callable[[Node, _Common], Instruction]


def build(node: Node) -> Instruction:
    """Return the typed instruction of a node.

    Raises:
        DockerfileSyntaxError: There is no such instruction, a flag is unknown or has a wrong
            value, or arguments are missing or too many.
    """
    builder = _BUILDERS.get(node.keyword.upper())
    if builder is None:
        suggestion = did_you_mean(node.keyword, _BUILDERS, ignore_case=True)
        raise DockerfileSyntaxError(
            f"unknown instruction: {node.keyword}{suggestion}",
            hint=None if suggestion else "end the line before with the escape character to go on",
            span=node.span,
        )
    common = {
        "span": node.span,
        "keyword": node.keyword,
        "original": node.original,
        "comments": node.comments,
        "flags": node.flags,
    }
    with located(node.span):
        return builder(node, common)


def _flags(node: Node) -> Flags:
    return Flags(node.flags, FLAGS.get(node.keyword.upper(), {}))


def _need_arguments(node: Node) -> None:
    if not node.args:
        raise DockerfileSyntaxError(f"{node.keyword.upper()} requires at least one argument")


def _only_argument(node: Node) -> str:
    if len(node.args) != 1:
        raise DockerfileSyntaxError(f"{node.keyword.upper()} requires exactly one argument")
    _flags(node)
    return node.args[0]


def _command(node: Node, args: tuple[str, ...]) -> Command:
    if node.is_json or not args:
        return Command(args, node.is_json)
    return Command((" ".join(args),))


def _description(comments: tuple[str, ...], name: str) -> str:
    start = f"{name} "
    return next((line[len(start) :] for line in comments if name and line.startswith(start)), "")


def _from(node: Node, common: _Common) -> Instruction:
    args = node.args
    name = written = as_keyword = ""
    if len(args) == 3 and args[1].upper() == "AS":
        _, as_keyword, written = args
        name = written.lower()
        if not _STAGE_NAME.fullmatch(name):
            raise DockerfileSyntaxError(
                f"invalid name for build stage: {quote(written)}, "
                "name can't start with a number or contain symbols"
            )
    elif len(args) != 1:
        raise DockerfileSyntaxError("FROM requires either one or three arguments")
    flags = _flags(node)
    return syntax.From(
        image=args[0],
        platform=flags.text("platform"),
        stage_name=name,
        stage_name_written=written,
        as_keyword=as_keyword,
        description=_description(node.comments, name),
        **common,
    )


def _arg(node: Node, common: _Common) -> Instruction:
    _need_arguments(node)
    _flags(node)
    items = []
    for arg in node.args:
        key, equals, value = arg.partition("=")
        if not key:
            raise DockerfileSyntaxError("ARG names can not be blank")
        description = _description(node.comments, key)
        items.append(syntax.ArgItem(key, value if equals else None, description))
    return syntax.Arg(items=tuple(items), **common)


def _pairs(node: Node, common: _Common) -> Instruction:
    _flags(node)
    _need_arguments(node)
    keys, values, separators = node.args[::3], node.args[1::3], node.args[2::3]
    if not all(keys):
        raise DockerfileSyntaxError(f"{node.keyword.upper()} names can not be blank")
    struct = syntax.Env if node.keyword.upper() == "ENV" else syntax.Label
    pairs = tuple(map(KeyValue, keys, values))
    return struct(pairs=pairs, legacy=not separators[0], **common)


def _run(node: Node, common: _Common) -> Instruction:
    flags = _flags(node)
    for mount in flags.many("mount"):
        check_mount(mount)
    if devices := flags.many("device"):
        from jettison.frontend.dockerfile.devices import parse_device

        for device in devices:
            parse_device(device)
    network = flags.text("network") or _NETWORKS[0]
    if network not in _NETWORKS:
        raise DockerfileSyntaxError(
            f"invalid network mode {quote(network)}{did_you_mean(network, _NETWORKS)}"
        )
    security = flags.text("security") or _SECURITY[0]
    if security not in _SECURITY:
        raise DockerfileSyntaxError(
            f"security {quote(security)} is not valid{did_you_mean(security, _SECURITY)}"
        )
    return syntax.Run(
        command=_command(node, node.args),
        heredocs=node.heredocs,
        mounts=flags.many("mount"),
        network=network,
        security=security,
        devices=flags.many("device"),
        **common,
    )


def _cmd(node: Node, common: _Common) -> Instruction:
    _flags(node)
    return syntax.Cmd(command=_command(node, node.args), **common)


def _entrypoint(node: Node, common: _Common) -> Instruction:
    _flags(node)
    return syntax.Entrypoint(command=_command(node, node.args), **common)


def _shell(node: Node, common: _Common) -> Instruction:
    _flags(node)
    _need_arguments(node)
    if not node.is_json:
        raise DockerfileSyntaxError("SHELL requires the arguments to be in JSON form")
    return syntax.Shell(argv=node.args, **common)


def _sources_and_dest(node: Node) -> tuple[tuple[str, ...], str, tuple[Heredoc, ...]]:
    *words, dest = node.args
    if "<<" not in "".join(node.args):
        return tuple(words), dest, ()
    if parse_heredoc(dest) is not None:
        raise DockerfileSyntaxError(
            f"{node.keyword.upper()} cannot accept a heredoc as a destination"
        )
    bodies = {each.name: each for each in node.heredocs}
    sources: list[str] = []
    heredocs: list[Heredoc] = []
    for word in words:
        announced = parse_heredoc(word)
        if announced is None:
            sources.append(word)
        else:
            heredocs.append(bodies.get(announced.name, announced))
    return tuple(sources), dest, tuple(heredocs)


def _need_destination(node: Node) -> None:
    if len(node.args) < 2:
        raise DockerfileSyntaxError(
            f"{node.keyword.upper()} requires at least two arguments, but only one was provided. "
            "Destination could not be determined"
        )


def _copy(node: Node, common: _Common) -> Instruction:
    _need_destination(node)
    flags = _flags(node)
    sources, dest, heredocs = _sources_and_dest(node)
    return syntax.Copy(
        sources=sources,
        dest=dest,
        heredocs=heredocs,
        from_name=flags.text("from"),
        chown=flags.text("chown"),
        chmod=flags.text("chmod"),
        link=flags.boolean("link") or False,
        parents=flags.boolean("parents") or False,
        exclude=flags.many("exclude"),
        **common,
    )


def _add(node: Node, common: _Common) -> Instruction:
    _need_destination(node)
    flags = _flags(node)
    sources, dest, heredocs = _sources_and_dest(node)
    return syntax.Add(
        sources=sources,
        dest=dest,
        heredocs=heredocs,
        chown=flags.text("chown"),
        chmod=flags.text("chmod"),
        link=flags.boolean("link") or False,
        exclude=flags.many("exclude"),
        checksum=flags.text("checksum"),
        keep_git_dir=flags.boolean("keep-git-dir"),
        unpack=flags.boolean("unpack"),
        **common,
    )


def _workdir(node: Node, common: _Common) -> Instruction:
    return syntax.Workdir(path=_only_argument(node), **common)


def _user(node: Node, common: _Common) -> Instruction:
    return syntax.User(user=_only_argument(node), **common)


def _stop_signal(node: Node, common: _Common) -> Instruction:
    return syntax.StopSignal(signal=_only_argument(node), **common)


def _maintainer(node: Node, common: _Common) -> Instruction:
    return syntax.Maintainer(text=_only_argument(node), **common)


def _expose(node: Node, common: _Common) -> Instruction:
    _need_arguments(node)
    _flags(node)
    return syntax.Expose(ports=node.args, **common)


def _volume(node: Node, common: _Common) -> Instruction:
    _need_arguments(node)
    _flags(node)
    paths = tuple(path.strip(SPACES) for path in node.args)
    if not all(paths):
        raise DockerfileSyntaxError("VOLUME specified can not be an empty string")
    return syntax.Volume(paths=paths, **common)


def _healthcheck(node: Node, common: _Common) -> Instruction:
    _need_arguments(node)
    kind, args = node.args[0].upper(), node.args[1:]
    if kind == "NONE":
        if args:
            raise DockerfileSyntaxError("HEALTHCHECK NONE takes no arguments")
        return syntax.Healthcheck(command=None, **common)
    flags = _flags(node)
    if kind != "CMD":
        raise DockerfileSyntaxError(f"Unknown type {quote(kind)} in HEALTHCHECK (try CMD)")
    if not args:
        raise DockerfileSyntaxError("Missing command after HEALTHCHECK CMD")
    return syntax.Healthcheck(
        command=_command(node, args),
        interval_ns=_interval(flags, "interval"),
        timeout_ns=_interval(flags, "timeout"),
        start_period_ns=_interval(flags, "start-period"),
        start_interval_ns=_interval(flags, "start-interval"),
        retries=_retries(flags.text("retries")),
        **common,
    )


def _interval(flags: Flags, name: str) -> int:
    text = flags.text(name)
    if not text:
        return 0
    from jettison.frontend.dockerfile.durations import parse_duration  # rare

    duration = parse_duration(text)
    if duration != 0 and duration < _MIN_INTERVAL_NS:
        raise DockerfileSyntaxError(f"Interval {quote(name)} cannot be less than 1ms")
    return duration


def _retries(text: str) -> int:
    if not text:
        return 0
    if not re.fullmatch(r"[+-]?[0-9]{1,20}", text):
        raise DockerfileSyntaxError(f"--retries must be a number, not {quote(text)}")
    retries = int(text)
    if retries < 0:
        raise DockerfileSyntaxError(f"--retries cannot be negative ({retries})")
    if retries > _MAX_RETRIES:
        raise DockerfileSyntaxError(f"--retries is too large ({text})")
    return retries


def _onbuild(node: Node, common: _Common) -> Instruction:
    if node.child is None:
        raise DockerfileSyntaxError("ONBUILD requires at least one argument")
    _flags(node)
    name = node.child.keyword.upper()
    if name == "ONBUILD":
        raise DockerfileSyntaxError("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
    if name in {"FROM", "MAINTAINER"}:
        raise DockerfileSyntaxError(f"{name} isn't allowed as an ONBUILD trigger")
    expression = re.sub(r"\A\s*ONBUILD\s*", "", node.original, flags=re.IGNORECASE)
    for heredoc in node.heredocs:
        expression += f"\n{heredoc.content}{heredoc.name}"
    try:
        trigger: Instruction | None = build(node.child)
    except DockerfileSyntaxError:
        trigger = None
    return syntax.OnBuild(expression=expression, trigger=trigger, **common)


_BUILDERS: dict[str, _Builder] = {
    "ADD": _add,
    "ARG": _arg,
    "CMD": _cmd,
    "COPY": _copy,
    "ENTRYPOINT": _entrypoint,
    "ENV": _pairs,
    "EXPOSE": _expose,
    "FROM": _from,
    "HEALTHCHECK": _healthcheck,
    "LABEL": _pairs,
    "MAINTAINER": _maintainer,
    "ONBUILD": _onbuild,
    "RUN": _run,
    "SHELL": _shell,
    "STOPSIGNAL": _stop_signal,
    "USER": _user,
    "VOLUME": _volume,
    "WORKDIR": _workdir,
}

INSTRUCTIONS = frozenset(_BUILDERS)
"""The names of all instructions."""
