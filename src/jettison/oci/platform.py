"""Platforms: what an image runs on.

In:  ``os/architecture[/variant]`` as users write it, ``platform.machine()`` names.
Out: normalised ``Platform`` values.

Source: OCI image-spec 1.1, image-index.md, "platform"; containerd platforms (normalisation).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from jettison.errors import UsageError

_LEVEL = re.compile(r"v[0-9]")
_PART = re.compile(r"[A-Za-z0-9_.-]+")
_ARCHITECTURES = {
    "x86_64": ("amd64", ""),
    "x86-64": ("amd64", ""),
    "amd64": ("amd64", ""),
    "aarch64": ("arm64", ""),
    "arm64": ("arm64", ""),
    "armhf": ("arm", "v7"),
    "armel": ("arm", "v6"),
    "armv7l": ("arm", "v7"),
    "armv6l": ("arm", "v6"),
    "i386": ("386", ""),
    "i686": ("386", ""),
}
_OTHER_ARCHITECTURES = frozenset(
    {
        "arm",
        "loong64",
        "mips",
        "mips64",
        "mips64le",
        "mipsle",
        "ppc64",
        "ppc64le",
        "riscv",
        "riscv64",
    }
    | {"s390", "s390x", "sparc", "sparc64", "wasm"}
)
_SYSTEMS = frozenset(
    {"aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "js", "linux"}
    | {"nacl", "netbsd", "openbsd", "plan9", "solaris", "windows", "zos"}
)


class Platform(
    msgspec.Struct,
    frozen=True,
    omit_defaults=True,
    rename={"os_version": "os.version", "os_features": "os.features"},
):
    """An operating system and an architecture, normalised by ``parse_platform``."""

    architecture: str
    os: str
    variant: str = ""
    os_version: str = ""
    os_features: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = (self.os, self.architecture, self.variant)
        return "/".join(part for part in parts if part)


def normalise(os: str, architecture: str, variant: str = "") -> Platform:
    """Return the platform under the names that images use.

    >>> str(normalise("linux", "aarch64", "v8")), str(normalise("Linux", "arm"))
    ('linux/arm64', 'linux/arm/v7')
    """
    os, architecture, variant = os.lower(), architecture.lower(), variant.lower()
    architecture, implied = _ARCHITECTURES.get(architecture, (architecture, ""))
    variant = variant or implied
    if architecture == "arm64" and variant in {"8", "v8"}:
        variant = ""
    if architecture == "amd64" and variant == "v1":
        variant = ""
    if architecture == "arm":
        variant = variant or "v7"
        variant = variant if variant.startswith("v") else "v" + variant
    return Platform(architecture=architecture, os=os, variant=variant)


def parse_platform(text: str) -> Platform:
    """Return the platform that a flag names: ``linux/arm64``, ``linux/arm/v7``, ``arm64``.

    Raises:
        UsageError: the text is empty, has more than three parts, or other characters than letters,
            digits, ``_``, ``-`` and ``.``, or one part that nothing is called.
    """
    parts = text.strip().split("/")
    if not all(map(_PART.fullmatch, parts)) or len(parts) > 3:
        raise UsageError(f"`{text}` is not a platform", hint="write it like linux/arm64")
    if len(parts) == 1:
        name = parts[0].lower()
        if name in _ARCHITECTURES or name in _OTHER_ARCHITECTURES:
            return normalise("linux", name)
        if name in _SYSTEMS:
            return normalise(name, "amd64")
        raise UsageError(
            f"`{text}` is neither an operating system nor an architecture",
            hint="write it like linux/arm64",
        )
    return normalise(*parts)


def closest(wanted: Platform, offered: Sequence[Platform]) -> int | None:
    """Return which of some platforms serves best, None if none does.

    An equal one first; then what a processor of a later variant runs, too: ``arm/v7`` falls back to
    ``v6`` and ``v5``, ``amd64/v3`` to ``v2`` and plain ``amd64``. Of equals the first is taken.

    Source: containerd platforms, ``platformVector``, but for other architectures.

    >>> closest(
    ...     parse_platform("linux/arm/v7"),
    ...     [parse_platform("linux/arm/v5"), parse_platform("linux/arm/v6")],
    ... )
    1
    """
    normal = [normalise(each.os, each.architecture, each.variant) for each in offered]
    for variant in _variants(wanted):
        for index, each in enumerate(normal):
            if (each.os, each.architecture, each.variant) == (
                wanted.os,
                wanted.architecture,
                variant,
            ):
                return index
    return None


def _variants(wanted: Platform) -> Iterator[str]:
    """Yield the variants of an architecture that run on a platform, the best first."""
    variant = wanted.variant
    yield variant
    level = int(variant[1:]) if _LEVEL.fullmatch(variant) else 0
    least = 5 if wanted.architecture == "arm" else 1
    yield from (f"v{each}" for each in range(level - 1, least - 1, -1))
    if wanted.architecture != "arm":
        yield ""


def matches(wanted: Platform, offered: Platform) -> bool:
    """Tell whether an image for ``offered`` serves a build for ``wanted``; see ``closest``."""
    return closest(wanted, (offered,)) is not None
