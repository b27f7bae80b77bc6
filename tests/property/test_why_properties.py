"""One random thing of a random build is changed: that thing is the cause of all that runs."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from why_simulation import Simulation

STAGES = ("one", "two", "three")
MORE = ("lib/deep/extra", "lib/deep/ignored")
FILES = ("src/a", "src/b", "lib/c", "lib/deep/d", "top")


class Project(msgspec.Struct):
    """A Dockerfile as a list of stages, each of instructions, and what else is in a build."""

    stages: list[list[str]]
    names: list[str]
    files: dict[str, str]
    asked: dict[str, Any]

    def text(self) -> str:
        lines = []
        for name, body in zip(self.names, self.stages, strict=True):
            lines += [f"FROM scratch AS {name}", *body]
        return "\n".join(lines) + "\n"


def instruction(number: int, kind: str, stage: int) -> str:
    if kind == "stage" and stage:
        return f"COPY --from={STAGES[number % stage]} / /from{number}"
    texts = {
        "run": f"RUN step {number} with words",
        "copy": f"COPY {FILES[number % len(FILES)]} /to{number}/",
        "tree": f"COPY . /all{number}",
        "mount": f"RUN --mount=type=bind,source=src,target=/in step {number}",
        "env": f"ENV NAME{number}=value{number}",
        "arg": f"ARG ARG{number}=default{number}",
        "workdir": f"WORKDIR /dir{number}",
        "user": f"USER {number}",
        "label": f"LABEL l{number}=x",
        "arch": "ARG TARGETARCH",
    }
    return texts.get(kind, texts["run"])


KINDS = ("run", "copy", "tree", "mount", "env", "arg", "workdir", "user", "label", "stage", "arch")


@st.composite
def projects(draw: st.DrawFn) -> Project:
    stages: list[list[str]] = []
    number = 0
    for stage in range(draw(st.integers(1, 3))):
        body = []
        for kind in draw(st.lists(st.sampled_from(KINDS), min_size=2, max_size=7)):
            number += 1
            body.append(instruction(number, kind, stage))
        stages.append([*body, f"RUN last of {STAGES[stage]}"])
    for index, body in enumerate(stages[:-1]):
        stages[-1].insert(0, f"COPY --from={STAGES[index]} / /used{index}")
        del body
    names = list(STAGES[: len(stages)])
    return Project(stages, names, {name: f"text of {name}\n" for name in (*FILES, *MORE)}, {})


EDITS = (
    *("content", "added", "removed", "mode", "env", "arg", "build-arg", "run", "insert"),
    *("delete", "rename-stage", "label", "no-cache", "host", "ignore", "platform", "workdir"),
)


def lines_of(project: Project, word: str) -> list[tuple[int, int]]:
    return [
        (stage, index)
        for stage, body in enumerate(project.stages)
        for index, text in enumerate(body)
        if text.startswith(word)
    ]


Told = tuple[str, str]
"""The cause and the subject that must be named; empty if nothing runs."""


def edit_file(kind: str, place: Path, root: Path) -> Told:
    name = str(place.relative_to(root))
    match kind:
        case "content":
            place.write_text("another\n")
        case "added":
            place = place.with_name("new")
            place.write_text("new\n")
        case "mode":
            place.chmod(0o664)
    return f"file-{kind}", str(place.relative_to(root)) if kind == "added" else name


def edit_asked(project: Project, kind: str, variable: str) -> Told:
    match kind:
        case "build-arg":
            project.asked["build_args"] = {variable: "given"}
            return "argument", variable
        case "no-cache":
            project.asked["no_cache"] = True
            return "no-cache", "--no-cache"
        case "host":
            project.asked["extra_hosts"] = ("db:10.0.0.1",)
            return "flag", "--add-host"
        case "ignore":
            project.asked["ignored"] = ("lib/deep/ignored",)
            return "ignore-file", ".dockerignore"
        case _:
            project.asked["platform"] = "linux/arm64"
            return "platform", "--platform"


def edit_text(project: Project, kind: str, body: list[str], index: int) -> Told:
    text = body[index]
    match kind:
        case "env" | "arg":
            body[index] = f"{text.partition('=')[0]}=changed"
            cause = {"env": "environment", "arg": "argument"}[kind]
            return cause, text.split()[1].partition("=")[0]
        case "run" | "workdir":
            body[index] = f"{text} changed" if kind == "run" else f"{text}changed"
            return "instruction-changed", body[index]
        case "insert":
            body.insert(index, "RUN something new here")
            return "instruction-added", body[index]
        case "delete":
            del body[index]
            return "instruction-removed", text
        case "rename-stage":
            project.names[0] = "renamed"
            for other in project.stages:
                other[:] = [each.replace("--from=one ", "--from=renamed ") for each in other]
        case _:
            body.insert(index, "LABEL more=labels")
    return "", ""


WORDS = {"env": "ENV ", "arg": "ARG A", "build-arg": "ARG A", "workdir": "WORKDIR"}


def edit(project: Project, kind: str, draw: st.DrawFn, root: Path) -> Told:
    """Change one thing; return what must be named."""
    if kind in {"content", "added", "mode"}:
        return edit_file(kind, root / draw(st.sampled_from(FILES)), root)
    if kind == "removed":
        (root / "lib/deep/extra").unlink()
        return "file-removed", "lib/deep/extra"
    chosen = lines_of(project, WORDS.get(kind, "RUN"))
    if not chosen:
        return "", ""
    stage, index = draw(st.sampled_from(chosen))
    body = project.stages[stage]
    if kind in {"build-arg", "no-cache", "host", "ignore", "platform"}:
        return edit_asked(project, kind, body[index].partition("=")[0].split()[-1])
    return edit_text(project, kind, body, index)


@given(projects(), st.sampled_from(EDITS), st.data())
@settings(max_examples=33, deadline=None)
def test_what_was_changed_is_what_is_named(project: Project, kind: str, data: Any) -> None:
    root = Path(tempfile.mkdtemp())
    try:
        simulation = Simulation(root)
        simulation.write(project.files)
        simulation.build(project.text())
        cause, subject = edit(project, kind, data.draw, root)
        found = simulation.build(project.text(), **project.asked)
        named = {
            (found.roots[step.root].cause, found.roots[step.root].subject) for step in found.steps
        }
        if not cause:
            assert named == set()
        elif named:
            assert {each for each, _ in named} == {cause}, (project.text(), named)
            told = [each for _, each in named]
            assert all(subject in each or each in subject for each in told), (subject, told)
    finally:
        shutil.rmtree(root)
