"""Which package a file is of, by what the databases of dpkg and apk list.

In:  the files of a tree, a path.
Out: ``Owner``.

The lists are gone through for one path: it is asked for when something is wrong, only.
"""

from __future__ import annotations

import msgspec

from jettison.analysis.files import Files
from jettison.analysis.packages.apk import DATABASES
from jettison.analysis.packages.base import MAX_DATABASE

_DPKG = "/var/lib/dpkg/info"
_MAX_LISTS = 20_000


class Owner(msgspec.Struct, frozen=True):
    """A package.

    Args:
        kind: ``deb`` or ``apk``.
        name: Of it, without an architecture.
    """

    kind: str
    name: str

    @property
    def install(self) -> str:
        """The instruction that installs it."""
        if self.kind == "apk":
            return f"RUN apk add --no-cache {self.name}"
        return (
            f"RUN apt-get update && apt-get install -y --no-install-recommends {self.name}"
            " && rm -rf /var/lib/apt/lists/*"
        )


def owner_of(files: Files, path: str) -> Owner | None:
    """Return the package that a file is of; None if none is known to have it.

    Args:
        files: Of the tree.
        path: Of the file, without links: the lists may have it without the ``/usr`` of a merged
            file system.
    """
    names = {path, path.removeprefix("/usr")} - {""}
    return _of_dpkg(files, names) or _of_apk(files, names)


def _of_dpkg(files: Files, names: set[str]) -> Owner | None:
    wanted = [f"\n{name}\n".encode("utf-8", "surrogateescape") for name in names]
    for each in files.below(_DPKG)[:_MAX_LISTS]:
        if each.endswith(".list"):
            listed = b"\n" + (files.read(each, MAX_DATABASE) or b"")
            if any(name in listed for name in wanted):
                name = each.rpartition("/")[2].removesuffix(".list").partition(":")[0]
                return Owner("deb", name) if name.isprintable() else None
    return None


def _of_apk(files: Files, names: set[str]) -> Owner | None:
    for database in dict.fromkeys(filter(None, map(files.find, DATABASES))):
        data = files.read(database, MAX_DATABASE) or b""
        name = directory = ""
        for line in data.decode("utf-8", "replace").split("\n"):
            match line[:2]:
                case "P:":
                    name, directory = line[2:], ""
                case "F:":
                    directory = line[2:].strip("/")
                case "R:":
                    if f"/{directory}/{line[2:]}".replace("//", "/") in names:
                        return Owner("apk", name) if name.isprintable() else None
                case _:
                    pass
    return None
