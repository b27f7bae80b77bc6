"""The image config of a stage while its instructions are lowered.

In:  a base image's config or none, then expanded metadata instructions in order.
Out: ``ContainerConfig`` and history of the image that the stage would be.

Source: Dockerfile reference; BuildKit (what resets what, ``ArgsEscaped``, default PATH).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TypeVar

import msgspec

from jettison.errors import DockerfileSyntaxError
from jettison.frontend.dockerfile import history
from jettison.oci.config import ContainerConfig, Healthcheck, ImageConfig
from jettison.oci.digest import Digest
from jettison.oci.platform import Platform
from jettison.plan.graph import HistoryStep

DEFAULT_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DEFAULT_SHELL = ("/bin/sh", "-c")

_Value = TypeVar("_Value")

_SIGNALS = frozenset(
    {
        *("ABRT", "ALRM", "BUS", "CHLD", "CLD", "CONT", "FPE", "HUP", "ILL", "INT", "IO", "IOT"),
        *("KILL", "PIPE", "POLL", "PROF", "PWR", "QUIT", "RTMAX", "RTMIN", "SEGV", "STKFLT"),
        *("STOP", "SYS", "TERM", "TRAP", "TSTP", "TTIN", "TTOU", "URG", "USR1", "USR2", "VTALRM"),
        *("WINCH", "XCPU", "XFSZ"),
    }
)
_MAX_SIGNAL_DIGITS = 18
_REALTIME_SIGNAL = r"RTMIN\+([1-9]|1[0-5])|RTMAX-([1-9]|1[0-4])"


class ImageState:
    """What is known of a stage's image; mutable while the stage is lowered.

    Args:
        image: The base image's config; None is an empty image.
        platform: What the stage is for, if the base does not say.
    """

    __slots__ = ("_cmd_set", "author", "config", "env", "history", "on_build", "platform")

    def __init__(self, image: ImageConfig | None, platform: Platform) -> None:
        self._cmd_set = False
        self.on_build: list[str] = []
        if image is None:
            self.platform = platform
            self.author = ""
            self.env: list[str] = [DEFAULT_PATH]
            self.config = ContainerConfig(working_dir="/")
            self.history: list[HistoryStep] = []
            return
        self.platform = Platform(
            architecture=image.architecture or platform.architecture,
            os=image.os or platform.os,
            variant=image.variant,
            os_version=image.os_version,
            os_features=image.os_features,
        )
        self.author = image.author
        self.env = list(image.config.env)
        self.config = msgspec.structs.replace(image.config, env=(), on_build=None)
        self.history = [HistoryStep(entry) for entry in image.history]
        if not any(entry.partition("=")[0] == "PATH" for entry in self.env):
            self.env.append(DEFAULT_PATH)

    def child(self) -> ImageState:
        """Return the state that a stage built FROM this one starts with: without its ONBUILDs."""
        copy = ImageState.__new__(ImageState)
        copy._cmd_set = False
        copy.platform = self.platform
        copy.author = self.author
        copy.env = list(self.env)
        copy.config = self.config
        copy.history = list(self.history)
        copy.on_build = []
        return copy

    def freeze(self) -> ContainerConfig:
        """Return the config as it is now: maps sorted by key, empty lists as good as none."""
        config = self.config
        return msgspec.structs.replace(
            config,
            env=tuple(self.env),
            entrypoint=config.entrypoint or None,
            cmd=config.cmd or None,
            on_build=tuple(self.on_build) or None,
            exposed_ports=_sorted(config.exposed_ports),
            volumes=_sorted(config.volumes),
            labels=_sorted(config.labels),
        )

    @property
    def shell(self) -> tuple[str, ...]:
        """The words before the text of a shell form."""
        return self.config.shell or DEFAULT_SHELL

    def commit(self, created_by: str, *, vertex: Digest | None = None) -> None:
        """Add a history entry; with ``vertex`` it is one with a layer."""
        entry = history.entry(created_by, empty_layer=vertex is None)
        self.history.append(HistoryStep(entry, vertex))

    def set_env(self, pairs: Sequence[tuple[str, str]]) -> None:
        """ENV: replace in place or append."""
        for name, value in pairs:
            entry = f"{name}={value}"
            for index, existing in enumerate(self.env):
                if existing.partition("=")[0] == name:
                    self.env[index] = entry
                    break
            else:
                self.env.append(entry)
        self.commit(history.pairs_text("ENV", pairs))

    def set_labels(self, pairs: Sequence[tuple[str, str]]) -> None:
        """LABEL: later ones win."""
        self.add_labels(pairs)
        self.commit(history.pairs_text("LABEL", pairs))

    def add_labels(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Set labels that no instruction gave."""
        self._change(labels={**(self.config.labels or {}), **dict(pairs)})

    def set_cmd(self, argv: tuple[str, ...]) -> None:
        """CMD."""
        self._cmd_set = True
        self._change(cmd=argv, args_escaped=True)
        self.commit(f"CMD {history.quoted_list_text(argv)}")

    def set_entrypoint(self, argv: tuple[str, ...]) -> None:
        """ENTRYPOINT: resets an inherited CMD, but not one of this stage."""
        self._change(entrypoint=argv)
        if not self._cmd_set:
            self._change(cmd=None)
        self.commit(f"ENTRYPOINT {history.quoted_list_text(argv)}")

    def set_shell(self, argv: tuple[str, ...]) -> None:
        """SHELL."""
        self._change(shell=argv)
        self.commit(f"SHELL {history.list_text(argv)}")

    def set_user(self, user: str) -> None:
        """USER."""
        self._change(user=user)
        self.commit(f"USER {user}")

    def set_working_dir(self, path: str) -> None:
        """WORKDIR; its history entry depends on the directory and is committed by the caller."""
        self._change(working_dir=path)

    def set_stop_signal(self, signal: str) -> None:
        """STOPSIGNAL.

        Raises:
            DockerfileSyntaxError: no such signal.
        """
        if not _is_signal(signal):
            raise DockerfileSyntaxError(
                f"invalid signal: {signal}", hint="use a name such as SIGTERM, or a number"
            )
        self._change(stop_signal=signal)
        self.commit(f"STOPSIGNAL {signal}")

    def set_healthcheck(self, check: Healthcheck) -> None:
        """HEALTHCHECK."""
        self._change(healthcheck=check)
        self.commit(history.healthcheck_text(check))

    def set_author(self, name: str) -> None:
        """MAINTAINER."""
        self.author = name
        self.commit(f"MAINTAINER {name}")

    def add_ports(self, ports: Sequence[str]) -> None:
        """EXPOSE: ``port/protocol`` texts, sorted."""
        exposed: dict[str, dict[str, str]] = {port: {} for port in ports}
        self._change(exposed_ports={**(self.config.exposed_ports or {}), **exposed} or None)
        self.commit(" ".join(("EXPOSE", *ports)))

    def add_volumes(self, paths: Sequence[str]) -> None:
        """VOLUME.

        Raises:
            DockerfileSyntaxError: a path is empty.
        """
        if not all(paths):
            raise DockerfileSyntaxError("VOLUME specified can not be an empty string")
        volumes: dict[str, dict[str, str]] = {path: {} for path in paths}
        self._change(volumes={**(self.config.volumes or {}), **volumes})
        self.commit(f"VOLUME {history.list_text(paths)}")

    def add_arguments(self, declared: Sequence[tuple[str, str | None]]) -> None:
        """ARG: nothing but history."""
        self.commit(history.pairs_text("ARG", declared))

    def _change(self, **fields: object) -> None:
        self.config = msgspec.structs.replace(self.config, **fields)


def _sorted(values: dict[str, _Value] | None) -> dict[str, _Value] | None:
    return dict(sorted(values.items())) if values is not None else None


def _is_signal(text: str) -> bool:
    if re.fullmatch("[0-9]+", text):
        return len(text) <= _MAX_SIGNAL_DIGITS and int(text) > 0
    name = text.upper().removeprefix("SIG")
    return name in _SIGNALS or re.fullmatch(_REALTIME_SIGNAL, name) is not None
