"""The own corpus: cases written as text beside goldens that BuildKit made.

In:  ``corpus/KIND/TOPIC.txt``, and ``corpus/KIND/TOPIC.json`` with the goldens.
Out: cases as dicts; ``corpus/README.md`` tells the format of both.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Json = dict[str, Any]

CORPUS = Path(__file__).resolve().parent / "corpus"
KINDS = ("build", "ignore", "parser", "words", "check")
_MARK = re.compile(r"(===|---|\+\+\+|>>>)(?: (.*))?")
_TYPES = ("fifo", "socket")
_ENCODINGS = ("bare", "json", "base64")


class CaseError(Exception):
    """A file of cases that cannot be read; the message says where."""


def load(kind: str, directory: Path = CORPUS) -> list[Json]:
    """Return all cases of a kind, each with its golden as ``expected`` if there is one."""
    cases: list[Json] = []
    for path in topics(kind, directory):
        goldens = read_goldens(path)
        for case in read(path):
            golden = goldens.get(case["name"])
            # A golden of another input is none.
            if golden is not None and golden["input"] == input_digest(case):
                add_golden(case, golden["expected"])
            cases.append(case)
    return cases


def add_golden(case: Json, expected: Any) -> None:
    """Add a golden to a case: to each step, where it is a sequence of builds."""
    if "steps" not in case:
        case["expected"] = expected
        return
    for step, each in zip(case["steps"], expected, strict=True):
        step["expected"] = each


def topics(kind: str, directory: Path = CORPUS) -> list[Path]:
    """Return the files of cases of a kind."""
    return sorted((directory / kind).glob("*.txt"))


def read(path: Path) -> list[Json]:
    """Return the cases of one file, without goldens."""
    text = path.read_text()
    return list(_words(text) if path.parent.name == "words" else _cases(text, path))


def read_goldens(path: Path) -> dict[str, Json]:
    """Return the goldens of a file of cases by name: ``{"input": …, "expected": …}``."""
    file = path.with_suffix(".json")
    goldens: dict[str, Json] = json.loads(file.read_text()) if file.exists() else {}
    return goldens


def input_digest(case: Json) -> str:
    """Return what a golden is made from: a digest of a case without its remarks."""
    used = {key: value for key, value in case.items() if key != "notes"}
    return hashlib.sha256(json.dumps(used, sort_keys=True).encode()).hexdigest()[:16]


def dockerfiles(case: Json) -> Iterator[str]:
    """Yield every Dockerfile of a case."""
    for part in (case, *case.get("steps", ()), *case.get("prereq", ())):
        if "dockerfile" in part:
            yield part["dockerfile"]


def _words(text: str) -> Iterator[Json]:
    """Read a table: lines of Dockerfiles that come before, then ``name: word``, a case each."""
    before: list[str] = []
    for line in text.splitlines():
        name, colon, word = line.partition(": ")
        if line.startswith(("ENV ", "# escape=")):
            before.append(line)
        elif colon and re.fullmatch(r"[a-z0-9-]+", name):
            directives = [each for each in before if each.startswith("#")]
            lines = [*directives, "FROM scratch", *before[len(directives) :], f"LABEL word={word}"]
            dockerfile = "".join(f"{each}\n" for each in lines)
            yield {"name": name, "word": word, "dockerfile": dockerfile, "context": []}


def _cases(text: str, path: Path) -> Iterator[Json]:
    """Read cases: ``===`` starts one, ``---`` a file, ``+++`` a field, ``>>>`` the next build."""
    case: Json | None = None
    part: Json = {}
    section: list[str] | None = None
    sections: list[tuple[Json, str, str, list[str]]] = []
    for number, line in enumerate(text.splitlines(), 1):
        mark = _MARK.fullmatch(line)
        if mark is None:
            if section is not None:
                section.append(line)
            continue
        sign, rest = mark[1], mark[2] or ""
        if sign == "===":
            # An empty line before the next case is for the reader.
            if section and not section[-1]:
                section.pop()
            if case is not None:
                yield _finish(case, sections, path)
            case = part = {"name": rest, "context": []}
            section = []
            sections = [(case, "notes", "", section)]
        elif case is None:
            raise CaseError(f"{path.name}:{number}: `{sign}` before the first case")
        elif sign == ">>>":
            part = {"changes": []}
            case.setdefault("steps", [{}]).append(part)
            section = None
        else:
            section = []
            sections.append((part, sign, rest, section))
    if case is not None:
        yield _finish(case, sections, path)


def _finish(case: Json, sections: Iterable[tuple[Json, str, str, list[str]]], path: Path) -> Json:
    """Put the sections of a case where they belong."""
    for part, sign, head, lines in sections:
        try:
            if sign == "notes":
                if notes := " ".join(lines).strip():
                    case["notes"] = notes
            elif sign == "+++":
                _add_field(part, head, lines)
            else:
                _add_file(case, part, head, lines)
        except (ValueError, KeyError, IndexError) as error:
            raise CaseError(f"{path.name}: {case['name']}: {sign} {head}: {error!r}") from error
    if "dockerfile" not in case:
        raise CaseError(f"{path.name}: {case['name']}: no Dockerfile")
    return case


def _add_field(part: Json, head: str, lines: list[str]) -> None:
    name, _, value = head.partition(" ")
    if name == "remove":
        part["changes"].append({"op": "remove", "path": value})
    elif name == "rename":
        old, new = shlex.split(value)
        part["changes"].append({"op": "rename", "path": old, "to": new})
    else:
        part[name] = json.loads("\n".join([value, *lines]))


def _add_file(case: Json, part: Json, head: str, lines: list[str]) -> None:
    place, rest = "", head
    if named := re.fullmatch(r"\[(\S+)\] (.*)", head):
        place, rest = named[1], named[2]
    entry = _entry(rest, lines)
    if place in {"http", "git"}:
        if place == "http":
            entry["path"] = "/" + entry["path"]
        case.setdefault(place, []).append(entry)
    elif place:
        contexts = case.setdefault("options", {}).setdefault("build_contexts", {})
        contexts.setdefault(place, {"context": []})["context"].append(entry)
    elif entry["path"] == case.get("dockerfile_path", "Dockerfile") and set(entry) <= {
        "path", "type", "content",
    }:  # fmt: skip
        part["dockerfile"] = entry["content"]
    elif part is case:
        case["context"].append(entry)
    else:
        part["changes"].append({"op": "write", "entry": entry})


def _entry(head: str, lines: list[str]) -> Json:
    """Return a context entry: ``PATH[/] [-> TARGET | => FIRST NAME] [NAME=VALUE | WORD]…``."""
    path, *words = shlex.split(head)
    entry: Json = {"path": path.rstrip("/"), "type": "dir" if path.endswith("/") else "file"}
    text = "".join(f"{line}\n" for line in lines)
    while words:
        word = words.pop(0)
        name, equals, value = word.partition("=")
        if word in {"->", "=>"}:
            entry |= {"type": "symlink" if word == "->" else "hardlink", "target": words.pop(0)}
        elif word in _TYPES:
            entry["type"] = word
        elif word == "tar" or word.startswith("tar."):
            entry |= {"tar": word, "members": [_member(line) for line in lines if line]}
        elif word in _ENCODINGS:
            text = _decoded(entry, word, text)
        elif name == "owner":
            entry["uid"], entry["gid"] = map(int, value.split(":"))
        elif name == "time":
            entry["mtime"] = int(value)
        elif name.startswith("xattr."):
            entry.setdefault("xattrs", {})[name.removeprefix("xattr.")] = value
        elif equals and name in {"mode", "text", "redirect", "status", "device"}:
            entry[name] = int(value) if name == "status" else value
        else:
            raise ValueError(word)
    if entry["type"] == "file" and not {"tar", "content_b64"} & set(entry):
        entry["content"] = text
    return entry


def _decoded(entry: Json, encoding: str, text: str) -> str:
    if encoding == "bare":
        return text[:-1]
    if encoding == "json":
        return str(json.loads(text))
    entry["content_b64"] = base64.b64encode(base64.b64decode(text)).decode()
    return ""


def _member(line: str) -> Json:
    entry = _entry(line, [])
    if entry["type"] == "file":
        entry["content"] = entry.pop("text", "") + "\n"
    return entry
