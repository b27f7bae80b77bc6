"""Which distribution a stage is of, and how packages are installed there.

In:  ``/etc/os-release``; where there is none, the name of the base image and the instruction.
Out: ``Distribution``.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

_FAMILIES = {
    "apt": ("debian", "ubuntu", "raspbian", "linuxmint", "kali", "devuan", "buildpack", "apt-get"),
    "apk": ("alpine", "wolfi", "chainguard", "apk "),
    "dnf": (
        *("fedora", "rhel", "centos", "rocky", "almalinux", "ol", "oracle", "amzn", "amazonlinux"),
        *("ubi", "mageia", "yum ", "dnf "),
    ),
    "zypper": ("opensuse", "suse", "sles", "zypper "),
    "pacman": ("arch", "archlinux", "manjaro", "pacman "),
}
_COMMANDS = {
    "apt": "apt-get update && apt-get install -y",
    "apk": "apk add --no-cache",
    "dnf": "dnf install -y",
    "yum": "yum install -y",
    "zypper": "zypper install -y",
    "pacman": "pacman -Sy --noconfirm",
}
_OFFICIAL = ("node", "python", "ruby", "golang", "php", "openjdk", "java", "rust", "gcc", "perl")
"""Official images that are of Debian unless their tag says another distribution."""


class Distribution(msgspec.Struct, frozen=True):
    """A distribution.

    Args:
        family: Its package manager: ``apt``, ``apk``, ``dnf``, ``zypper``, ``pacman``, or empty.
        name: For people, empty where it is not known.
        version: Such as ``12`` or ``3.20``.
        codename: Such as ``bookworm``.
    """

    family: str = ""
    name: str = ""
    version: str = ""
    codename: str = ""

    def install(self, package: str, *, doing: str = "install") -> str:
        """Return what to do for a package: ``install `git` before it: `RUN apk add git` ``."""
        if not self.family:
            return f"{doing} `{package}` in an earlier step"
        command = _COMMANDS["yum" if self.family == "dnf" and self._is_old else self.family]
        return f"{doing} it in an earlier step: `RUN {command} {package}`"

    @property
    def _is_old(self) -> bool:
        return self.version.split(".")[0] in {"2", "6", "7"}


def parse_os_release(data: str) -> Distribution:
    r"""Return what ``/etc/os-release`` says; nothing it holds is trusted.

    >>> parse_os_release('ID=alpine\nVERSION_ID=3.20.1\nPRETTY_NAME="Alpine Linux v3.20"').family
    'apk'
    """
    values: dict[str, str] = {}
    for line in data[:4096].split("\n"):
        key, equals, value = line.strip().partition("=")
        if equals:
            values[key] = value.strip("\"'")[:64]
    ids = [values.get("ID", ""), *values.get("ID_LIKE", "").split()]
    family = next((f for each in ids for f, names in _FAMILIES.items() if each in names), "")
    return Distribution(
        family,
        values.get("PRETTY_NAME", ""),
        values.get("VERSION_ID", ""),
        values.get("VERSION_CODENAME", ""),
    )


def guess_distribution(base: str, instruction: str) -> Distribution:
    """Return what the name of a base image and an instruction tell, which is not much.

    >>> guess_distribution("node:20-alpine", "").family
    'apk'
    """
    text = base.lower()
    for family, names in _FAMILIES.items():
        if any(name in text for name in names if len(name) > 3 and not name.endswith(" ")):
            return Distribution(family)
    for family, names in _FAMILIES.items():
        if any(name in instruction for name in names if name.endswith((" ", "-get"))):
            return Distribution(family)
    last = text.rpartition("/")[2].partition(":")[0]
    return Distribution("apt") if last in _OFFICIAL else Distribution()


def package_for(packages: Mapping[str, str], distribution: Distribution) -> str:
    """Return the name of a package in a distribution: of ``apt``, if no other is given.

    Args:
        packages: Names by family; ``""`` for all families.
        distribution: Where it is to be installed.
    """
    return packages.get(distribution.family) or packages.get("") or packages.get("apt", "")
