"""What a bill of materials says, whatever its format.

In:  nothing.
Out: ``Bom`` and the values in it.
"""

from __future__ import annotations

import enum

import msgspec

from jettison.analysis.os_release import OsRelease
from jettison.analysis.packages.base import PackageRecord
from jettison.sbom.licence import Licence


class Reach(enum.Enum):
    """How many files of a package of a stage are on the chains of files of the image."""

    ALL = "all"
    PART = "part"
    NONE = "none"


class Component(msgspec.Struct, frozen=True):
    """A package.

    Args:
        record: What its database says of it, with the sums of all places where it is.
        ref: Its name in the document.
        purl: Its package URL; empty if it has none.
        licence: Its licence.
        needs: Indexes of the components that it depends on.
        places: At how many places it is.
        reach: What of it reached the image; None where that is not asked: of the image itself.
        origin: The stage, or the base image, that it came from; empty if it is not known.
        line: Of the instruction that made it, in the Dockerfile; 0 if it is not known.
    """

    record: PackageRecord
    ref: str
    purl: str
    licence: Licence
    needs: tuple[int, ...] = ()
    places: int = 1
    reach: Reach | None = None
    origin: str = ""
    line: int = 0


class Subject(msgspec.Struct, frozen=True):
    """A root file system.

    Args:
        ref: Its name in the document.
        name: For people.
        kind: ``image``, ``stage`` or ``directory``.
        stage: Name of the stage that it is.
        version: ID of the image; empty of a directory.
        purl: Package URL of an image that has a manifest.
        digest: sha256 of its manifest, of its config if it was never packed; hexadecimal, empty
            for none.
        layers: sha256 of the layers' tars, base first, hexadecimal; empty where one was not packed.
        distribution: What it is made of.
        components: Sorted.
        notes: What could not be read: path and reason.
    """

    ref: str
    name: str
    kind: str
    stage: str = ""
    version: str = ""
    purl: str = ""
    digest: str = ""
    layers: tuple[str, ...] = ()
    distribution: OsRelease = OsRelease()
    components: tuple[Component, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()


class Bom(msgspec.Struct, frozen=True):
    """A bill of materials.

    Args:
        name: Of what it is about.
        created: When the image was made, as SPDX writes times; empty if that is not known.
        version: Of Jettison.
        subjects: What is described.
    """

    name: str
    created: str
    version: str
    subjects: tuple[Subject, ...]
