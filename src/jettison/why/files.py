"""How the files that a step reads differ between two builds.

In:  two selections (``copier.manifest``), the patterns of the ignore files.
Out: ``FileChange`` values, and the finding that they are together.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from jettison.copier.manifest import SelectedFile, SelectedFiles
from jettison.fs.glob import PatternError
from jettison.fs.pattern import PatternMatcher
from jettison.why.explanation import FileChange
from jettison.why.finding import Finding

_MAX_LOOKED_AT = 100_000
_EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""sha256 of no bytes: empty files are equal, but none is another by its name."""
_IGNORE_FILE = ".dockerignore"

_ORDER = {
    "content": ("file-content", "has another content", "have another content"),
    "added": ("file-added", "is new", "are new"),
    "removed": ("file-removed", "is gone", "are gone"),
    "renamed": ("file-renamed", "has another name", "have other names"),
    "type": ("file-type", "is of another type", "are of other types"),
    "target": ("link-target", "leads elsewhere", "lead elsewhere"),
    "mode": ("file-mode", "has another mode", "have other modes"),
    "owner": ("file-owner", "has another owner", "have other owners"),
    "xattr": ("file-xattr", "has other extended attributes", "have other extended attributes"),
    "time": ("file-time", "has another time", "have other times"),
}
"""What changes are called, those first that tell most."""
_FACTS = frozenset({"mode", "owner", "xattr", "time"})


def file_changes(now: SelectedFiles, then: SelectedFiles) -> list[FileChange]:
    """Return how the files of two selections differ, by path."""
    ours, theirs = dict(now.files), dict(then.files)
    changes: list[FileChange] = []
    for directory in sorted({*now.directories, *then.directories}):
        if now.directories.get(directory) == then.directories.get(directory):
            continue
        one, two = now.below(directory), then.below(directory)
        if one is None or two is None:
            changes.append(FileChange(f"{directory}/", "content", note="files of it not known"))
            continue
        ours |= one
        theirs |= two
        if len(ours) + len(theirs) > _MAX_LOOKED_AT:
            break
    found = [
        change for path in ours.keys() | theirs.keys() if (change := _change(path, ours, theirs))
    ]
    return sorted([*changes, *_with_renames(found, ours, theirs)], key=lambda each: each.path)


def _change(
    path: str, ours: Mapping[str, SelectedFile], theirs: Mapping[str, SelectedFile]
) -> FileChange | None:
    now, then = ours.get(path), theirs.get(path)
    if now == then:
        return None
    if then is None or now is None:
        is_directory = (now or then or SelectedFile(0)).kind == "directory"
        return FileChange(path + "/" * is_directory, "removed" if now is None else "added")
    return _difference(path, now, then)


def _difference(path: str, now: SelectedFile, then: SelectedFile) -> FileChange:
    if stat.S_IFMT(now.mode) != stat.S_IFMT(then.mode):
        return FileChange(path, "type", then.kind, now.kind)
    if now.content != then.content:
        if stat.S_ISLNK(now.mode):
            return FileChange(path, "target", _text(then.content), _text(now.content))
        return FileChange(path, "content", then.content.hex()[:6], now.content.hex()[:6])
    path += "/" * (now.kind == "directory")
    if now.mode != then.mode:
        return FileChange(path, "mode", _octal(then.mode), _octal(now.mode))
    if now.owner != then.owner:
        return FileChange(path, "owner", _pair(then.owner), _pair(now.owner))
    if now.xattrs != then.xattrs:
        return FileChange(path, "xattr")
    return FileChange(path, "time")


def _pair(owner: tuple[int, int]) -> str:
    return f"{owner[0]}:{owner[1]}"


def _octal(mode: int) -> str:
    return f"{stat.S_IMODE(mode):04o}"


def _text(content: bytes) -> str:
    return content.decode(errors="replace")


def _with_renames(
    changes: Sequence[FileChange],
    ours: Mapping[str, SelectedFile],
    theirs: Mapping[str, SelectedFile],
) -> list[FileChange]:
    """Make one change of a file that is gone and an equal one that is new."""
    gone: dict[bytes, list[str]] = {}
    for each in changes:
        content = theirs[each.path].content if each.path in theirs else b""
        if each.change == "removed" and content.hex() not in {"", _EMPTY}:
            gone.setdefault(content, []).append(each.path)
    renamed: dict[str, str] = {}
    for each in changes:
        if each.change == "added" and each.path in ours:
            names = gone.get(ours[each.path].content)
            if names:
                renamed[each.path] = names.pop()
    before = set(renamed.values())
    return [
        FileChange(each.path, "renamed", renamed[each.path], each.path)
        if each.path in renamed
        else each
        for each in changes
        if each.path not in before
    ]


def files_finding(
    changes: Sequence[FileChange],
    vertex: str,
    line: int,
    *,
    ignored_now: Iterable[str] = (),
    ignored_then: Iterable[str] = (),
) -> Finding:
    """Return what changes of files are as a cause.

    Args:
        changes: At least one.
        vertex: The step that reads the files.
        line: Of its instruction.
        ignored_now: Patterns of the ignore file.
        ignored_then: Those of the earlier build.
    """
    ruled = _ruled(changes, tuple(ignored_now), tuple(ignored_then))
    if ruled:
        count = f"{len(ruled)} files" if len(ruled) > 1 else f"`{ruled[0].path}`"
        text = f"the ignore file changed: it concerns {count}"
        return Finding("ignore-file", text, vertex, line, _IGNORE_FILE, files=ruled)
    kind = next(kind for kind in _ORDER if any(each.change == kind for each in changes))
    cause, one, several = _ORDER[kind]
    alike = [each for each in changes if each.change == kind and not _is_parent(each, changes)]
    alike = alike or [each for each in changes if each.change == kind]
    text = f"`{alike[0].path}` {one}"
    if len(alike) > 1:
        text = f"{len(alike)} files {several}, the first is `{alike[0].path}`"
    others = len([each for each in changes if each.change != kind])
    if kind == "renamed" and len(alike) == 1:
        text = f"`{alike[0].before}` is `{alike[0].after}` now"
    elif len(alike) == 1 and alike[0].before and kind in {"mode", "owner", "type", "target"}:
        text += f": {alike[0].before} → {alike[0].after}"
    if others:
        text += f", and {others} more changed otherwise"
    ordered = [*alike, *(each for each in changes if each not in alike)]
    subject = alike[0].path
    identity = (cause, vertex)
    return Finding(cause, text, vertex, line, subject, files=tuple(ordered), identity=identity)


def image_finding(moved: Finding, changes: Sequence[FileChange]) -> Finding:
    """Return what it is that files are taken from another image than before.

    Args:
        moved: That the image is another.
        changes: How the files that are taken differ, if that is known.
    """
    found = msgspec.structs.replace(moved, files=tuple(changes))
    if not changes or any(each.change not in _FACTS for each in changes):
        return found
    facts = files_finding(changes, moved.vertex, moved.line)
    text = f"{moved.text}, of whose files {facts.text}"
    return msgspec.structs.replace(facts, text=text, subject=moved.subject)


def _is_parent(change: FileChange, changes: Sequence[FileChange]) -> bool:
    """Tell whether a directory is there or gone because of what is in it."""
    return change.path.endswith("/") and any(
        each.path != change.path and each.path.startswith(change.path) for each in changes
    )


def _ruled(
    changes: Sequence[FileChange], now: tuple[str, ...], then: tuple[str, ...]
) -> tuple[FileChange, ...]:
    """Return the changes with the rules that made them, if the ignore file made them all."""
    if now == then:
        return ()
    try:
        matcher, earlier = PatternMatcher(now), PatternMatcher(then)
    except PatternError:
        return ()
    ruled = []
    for each in changes:
        path = each.path.rstrip("/")
        if path.endswith(_IGNORE_FILE):
            continue
        if each.change == "removed" and matcher.matches(path):
            note = f"`{matcher.reason(path)}` leaves it out"
        elif each.change == "added" and earlier.matches(path):
            note = f"`{earlier.reason(path)}` left it out"
        else:
            return ()
        ruled.append(msgspec.structs.replace(each, note=note))
    return tuple(ruled)
