"""The words that loaders share: what is asked, what is found.

In:  nothing.
Out: ``Environment``, ``Closure`` and its parts.
"""

from __future__ import annotations

from enum import Enum

import msgspec

from jettison.analysis.elf.model import Elf


class Family(Enum):
    """Whose loader, whose C library."""

    GLIBC = "glibc"
    MUSL = "musl"
    NONE = "none"
    """A program that starts without any."""
    UNKNOWN = "unknown"


class Verdict(Enum):
    """What comes of starting a program, by the first fault that there is."""

    STARTS = "starts"
    WRONG_ARCHITECTURE = "wrong architecture"
    NO_INTERPRETER = "interpreter missing"
    NO_LIBRARY = "library missing"
    NO_VERSION = "version unmet"
    UNKNOWN = "unknown"
    """The file is damaged, or its loader is not known: nothing is said."""


class Fault(Enum):
    """Why there is no library of a name."""

    ABSENT = "absent"
    ARCHITECTURE = "architecture"
    """There is a file of the name, for another architecture."""
    UNUSABLE = "unusable"
    """There is a file of the name, which is no library."""


class Environment(msgspec.Struct, frozen=True):
    """What of an image's config loaders go by.

    Args:
        architecture: Of the platform of the image: ``amd64``.
        library_path: ``LD_LIBRARY_PATH``.
        directory: Working directory.
        level: The x86-64 level of the processor. An image does not say on which it will run: what
            only higher ones find is taken, and noted (``Loaded.level``).
    """

    architecture: str = "amd64"
    library_path: str = ""
    directory: str = "/"
    level: int = 1


class Loaded(msgspec.Struct, frozen=True):
    """A file that is loaded.

    Args:
        path: Without links.
        elf: What it says.
        name: By which it was asked for; empty for the program.
        by: Path of the file that asked for it.
        level: The x86-64 level of the directory that alone has it (``glibc-hwcaps``).
    """

    path: str
    elf: Elf
    name: str = ""
    by: str = ""
    level: str = ""


class Missing(msgspec.Struct, frozen=True):
    """A library that is not found.

    Args:
        name: As it is asked for.
        by: Path of the file that asks for it.
        fault: Why.
        found: Path of the file that is none; or of one of the name in a directory that is only
            searched after ``ldconfig``.
    """

    name: str
    by: str
    fault: Fault = Fault.ABSENT
    found: str = ""


class Unmet(msgspec.Struct, frozen=True):
    """Versions of symbols that a library does not define.

    Args:
        versions: Those, as they are asked for.
        library: Name of the library.
        path: Where it is.
        by: Path of the file that asks for them.
    """

    versions: tuple[str, ...]
    library: str
    path: str
    by: str


class Closure(msgspec.Struct, frozen=True):
    """What a loader does with a program or library.

    Args:
        path: Of it, without links.
        elf: What it says.
        verdict: What comes of it.
        interp: The interpreter that it asks for; empty for libraries and static programs.
        family: Whose loader that is.
        loaded: What is loaded, in order, the file itself first.
        missing: What is not found.
        unmet: What is found without what is asked of it.
    """

    path: str
    elf: Elf
    verdict: Verdict
    interp: str = ""
    family: Family = Family.UNKNOWN
    loaded: tuple[Loaded, ...] = ()
    missing: tuple[Missing, ...] = ()
    unmet: tuple[Unmet, ...] = ()
