"""Java programs: their main class, and what it needs of the runtime.

In:  what ``java`` is called with.
Out: ``JavaProgram``.

Source: JAR file specification (Main-Class, Class-Path, multi-release jars); Spring Boot, "The
Executable Jar Format" (Start-Class).
"""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import join

import msgspec

from jettison.analysis.files import Files
from jettison.analysis.java.archive import Archive, open_archive
from jettison.analysis.java.class_file import MAX_CLASS, ClassFile, parse_class
from jettison.analysis.java.command import JavaStart
from jettison.analysis.java.modules import module_of
from jettison.fs.resolve import resolve

MAX_PLACES = 500
"""So many directories and archives of a class path are looked at."""
_SUFFIXES = ("", "BOOT-INF/classes/", "WEB-INF/classes/")


class NeededClass(msgspec.Struct, frozen=True):
    """A class that the start of a program loads.

    Args:
        name: With dots.
        place: The archive or class file that has it.
        file: What it says.
    """

    name: str
    place: str
    file: ClassFile


class JavaProgram(msgspec.Struct, frozen=True):
    """What a Java program begins with.

    Args:
        classes: Main classes, as far as they were found: of a framework's launcher, and the own.
        requires: Modules of the JDK that its module needs, each with the archive that says so.
        uses: Modules of the JDK that its main class names something of, likewise.
    """

    classes: tuple[NeededClass, ...] = ()
    requires: dict[str, str] = {}
    uses: dict[str, str] = {}


def java_program(files: Files, start: JavaStart, directory: str) -> JavaProgram:
    """Return what is known of a program.

    Args:
        files: Of the tree.
        start: What ``java`` is called with.
        directory: The working directory.
    """
    if start.jar:
        found = list(_of_jar(files, join(directory, start.jar)))
    elif start.is_module:
        return _of_module(files, start, directory)
    else:
        places = _places(files, start.class_path or (".",), directory)
        found = list(_first(files, places, start.main))
    uses = {
        module: each.place
        for each in found
        for name in each.file.classes
        if (module := module_of(name))
    }
    return JavaProgram(tuple(found), uses=uses)


def _of_jar(files: Files, path: str) -> Iterator[NeededClass]:
    with open_archive(files, path) as archive:
        if archive is None:
            return
        manifest = archive.manifest()
        for field in ("Main-Class", "Start-Class"):
            name = manifest.get(field, "").strip()
            found = _in_archive(archive, path, name) if name else None
            if found is not None:
                yield found


def _in_archive(archive: Archive, path: str, name: str) -> NeededClass | None:
    for prefix in _SUFFIXES:
        data = archive.read(f"{prefix}{name.replace('.', '/')}.class", MAX_CLASS)
        known = parse_class(data) if data is not None else None
        if known is not None:
            return NeededClass(name, path, known)
    return None


def _first(files: Files, places: Iterator[str], name: str) -> Iterator[NeededClass]:
    for place in places:
        found = _in_place(files, place, name)
        if found is not None:
            yield found
            return


def _in_place(files: Files, place: str, name: str) -> NeededClass | None:
    if place.endswith(".jar"):
        with open_archive(files, place) as archive:
            return _in_archive(archive, place, name) if archive is not None else None
    path = join(place, name.replace(".", "/") + ".class")
    data = files.read(path, MAX_CLASS)
    known = parse_class(data) if data is not None else None
    return NeededClass(name, path, known) if known is not None else None


def _places(files: Files, parts: tuple[str, ...], directory: str) -> Iterator[str]:
    """Yield directories and archives of a class path, absolute."""
    count = 0
    for part in parts:
        path = join(directory, part or ".")
        inside = [path]
        if path.endswith("/*"):
            inside = [each for each in files.below(path[:-2]) if each.lower().endswith(".jar")]
        for each in inside:
            count += 1
            if count > MAX_PLACES:
                return
            yield each


def _of_module(files: Files, start: JavaStart, directory: str) -> JavaProgram:
    module, _, main = start.main.partition("/")
    places: list[str] = []
    for part in filter(None, start.module_path):
        path = join(directory, part)
        places += [path, *_archives(files, path)]
    requires: dict[str, str] = {}
    found: list[NeededClass] = []
    for place in places[:MAX_PLACES]:
        info = _in_place(files, place, "module-info")
        if info is None:
            continue
        for each in info.file.requires:
            if each.startswith(("java.", "jdk.")):
                requires.setdefault(each, place)
        main_class = _in_place(files, place, main) if main else None
        if main_class is not None:
            found.append(main_class)
        elif not main and module:
            found.append(info)
    return JavaProgram(tuple(found), requires=requires)


def _archives(files: Files, path: str) -> list[str]:
    """Return what a directory of a module path has: archives, and directories of modules."""
    try:
        real = resolve(files, path)
    except OSError:
        return []
    if real.endswith(".jar"):
        return []
    return [f"{real}/{name}" for name in files.tree.names(real) if not name.endswith(".class")]
