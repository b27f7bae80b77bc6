"""Scopes: which names have which values, and where.

In:  ``--build-arg`` values, platforms, ARG instructions.
Out: the global scope (what FROM lines see), and ``Scope``, what the instructions of a stage see.

The global scope is visible in FROM only; a stage's ``ARG name`` without a default takes its value
from there. A stage's scope holds ENV and ARG alike: the later one wins. What a stage inherits
from its base image or base stage comes first.

Source: Dockerfile reference, "Scope", "Predefined ARGs", "Automatic platform ARGs".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from jettison.errors import ExpansionError
from jettison.frontend.dockerfile.syntax import Arg
from jettison.frontend.dockerfile.text import parse_bool
from jettison.frontend.dockerfile.words import expand
from jettison.located import located
from jettison.oci.platform import Platform

PROXY_NAMES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy")
"""Build arguments that reach RUN without ARG and stay out of its identity, in any case."""

ENGINE_NAMES = frozenset(
    {
        "BUILDKIT_BUILD_NAME",
        "BUILDKIT_CACHE_MOUNT_NS",
        "BUILDKIT_CONTEXT_KEEP_GIT_DIR",
        "BUILDKIT_DISABLE_ONBUILD",
        "BUILDKIT_DOCKERFILE_CHECK",
        "BUILDKIT_GIT_DEBUG_COMMANDS",
        "BUILDKIT_INLINE_CACHE",
        "BUILDKIT_MULTI_PLATFORM",
        "BUILDKIT_SANDBOX_HOSTNAME",
        "BUILDKIT_SBOM_SCAN_CONTEXT",
        "BUILDKIT_SBOM_SCAN_STAGE",
        "BUILDKIT_SYNTAX",
        "SOURCE_DATE_EPOCH",
    }
)
"""Build arguments that the engine reads, declared or not."""

MAX_ENVIRONMENT = 6 << 20
"""Characters of all variables; execve(2) takes no more, whatever the limit of the stack."""

_LONG = 256
"""Shorter values cannot come to that: each takes its instruction."""

_NO_TRIGGERS = "BUILDKIT_DISABLE_ONBUILD"
_NOT_IN_ENVIRONMENT = frozenset({"BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"})


class Scope:
    """The names that one stage's instructions see; mutable while the stage is lowered.

    Args:
        values: Names to values: what expansion and RUN see, in the order of first appearance.
        arguments: Names that ARG declared, to their values, in the order of first declaration;
            None is declared without any value.
    """

    __slots__ = ("arguments", "values")

    def __init__(
        self,
        values: Mapping[str, str] | None = None,
        arguments: Mapping[str, str | None] | None = None,
    ) -> None:
        self.values: dict[str, str] = dict(values or {})
        self.arguments: dict[str, str | None] = dict(arguments or {})

    def copy(self) -> Scope:
        """Return a scope that starts with the same names."""
        return Scope(self.values, self.arguments)

    def set_image_environment(self, environment: Iterable[str]) -> None:
        """Take the ``NAME=value`` entries of a base image's config; they win over its ARGs."""
        self.set(entry.partition("=")[::2] for entry in environment)

    def set(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Give variables their values.

        Raises:
            ExpansionError: all together are larger than Linux gives any program.
        """
        for name, value in pairs:
            check_size(self.values, value)
            self.values[name] = value

    def declare(
        self,
        instruction: Arg,
        *,
        build_args: Mapping[str, str],
        global_values: Mapping[str, str],
        escape: str,
    ) -> list[tuple[str, str | None]]:
        """Declare the names of an ARG and return them with their values.

        A value is the one of ``--build-arg``, else the default, else the global one.

        Raises:
            ExpansionError: a default that is used cannot be expanded.
        """
        declared: list[tuple[str, str | None]] = []
        for item in instruction.items:
            if item.key in build_args:
                value: str | None = build_args[item.key]
            elif item.value is not None:
                value = expand(item.value, self.values, escape).text
            else:
                value = global_values.get(item.key)
            if value is not None and item.key not in _NOT_IN_ENVIRONMENT:
                self.set([(item.key, value)])
            self.arguments[item.key] = value
            declared.append((item.key, value))
        return declared

    def argument_texts(self) -> list[str]:
        """Return ``NAME=value`` of all ARGs with the values that RUN sees."""
        return [
            f"{name}={self.values.get(name, value or '')}" for name, value in self.arguments.items()
        ]

    def environment(self) -> tuple[str, ...]:
        """Return all values as ``NAME=value``."""
        return tuple([f"{name}={value}" for name, value in self.values.items()])


def check_size(values: Mapping[str, str], value: str) -> None:
    """Check that variables can be an environment when one more has a value.

    Raises:
        ExpansionError: they are larger than Linux gives any program.
    """
    if len(value) > _LONG and sum(map(len, values.values())) + len(value) > MAX_ENVIRONMENT:
        raise ExpansionError(
            f"the variables come to more than {MAX_ENVIRONMENT >> 20} MiB together",
            hint="look for variables that are set to others several times",
        )


def platform_arguments(build: Platform, target: Platform, target_stage: str) -> dict[str, str]:
    """Return the arguments that are set for every build.

    >>> from jettison.oci.platform import parse_platform
    >>> arm = parse_platform("linux/arm/v7")
    >>> names = platform_arguments(parse_platform("linux/amd64"), arm, "")
    >>> names["TARGETARCH"], names["TARGETVARIANT"], names["TARGETSTAGE"]
    ('arm', 'v7', 'default')
    """
    values: dict[str, str] = {}
    for prefix, platform in (("BUILD", build), ("TARGET", target)):
        values[f"{prefix}PLATFORM"] = str(platform)
        values[f"{prefix}OS"] = platform.os
        values[f"{prefix}OSVERSION"] = platform.os_version
        values[f"{prefix}ARCH"] = platform.architecture
        values[f"{prefix}VARIANT"] = platform.variant
    values["TARGETSTAGE"] = target_stage or "default"
    return values


def global_scope(
    defaults: Mapping[str, str],
    instructions: Iterable[Arg],
    *,
    build_args: Mapping[str, str],
    escape: str,
) -> dict[str, str]:
    """Return what FROM lines see: predefined arguments, then the ARGs before the first FROM.

    Args:
        defaults: ``platform_arguments``; build arguments of these names win.
        instructions: ARG instructions before the first FROM.
        build_args: ``--build-arg``.
        escape: The escape character of the file.

    Raises:
        ExpansionError: a default that is used cannot be expanded, or all are too large.
    """
    values = {name: build_args.get(name, value) for name, value in defaults.items()}
    for instruction in instructions:
        with located(instruction.span):
            for item in instruction.items:
                if item.key in build_args:
                    values[item.key] = build_args[item.key]
                elif item.value is not None:
                    value = expand(item.value, values, escape).text
                    check_size(values, value)
                    values[item.key] = value
    return values


def proxy_environment(build_args: Mapping[str, str]) -> tuple[str, ...]:
    """Return the proxy build arguments as ``NAME=value``, each in upper and in lower case.

    >>> proxy_environment({"HTTP_PROXY": "http://p"})
    ('HTTP_PROXY=http://p', 'http_proxy=http://p')
    """
    given = {name.lower(): build_args[name] for name in sorted(build_args)}
    return tuple(
        f"{each}={given[name]}"
        for name in PROXY_NAMES
        if name in given
        for each in (name.upper(), name)
    )


def runs_triggers(build_args: Mapping[str, str]) -> bool:
    """Tell whether ONBUILD triggers run; ``BUILDKIT_DISABLE_ONBUILD=1`` leaves them out.

    What is no truth value is as good as nothing, as in BuildKit's other switches.

    >>> runs_triggers({}), runs_triggers({"BUILDKIT_DISABLE_ONBUILD": "true"})
    (True, False)
    """
    return not parse_bool(build_args.get(_NO_TRIGGERS, ""))


def unused_build_args(build_args: Iterable[str], declared: Iterable[str]) -> tuple[str, ...]:
    """Return the build arguments that nothing can have read, sorted.

    Args:
        build_args: Names given.
        declared: Names of all ARGs of the file, and predefined ones.
    """
    known = {*declared, *ENGINE_NAMES}
    return tuple(
        sorted(name for name in build_args if name not in known and name.lower() not in PROXY_NAMES)
    )
