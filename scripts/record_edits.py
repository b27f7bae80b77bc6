"""Records what BuildKit prints for the edits of ``tests/engine/why/edits.toml``, and what we say.

    JETTISON_BUILDX="docker buildx" scripts/record_edits.py BUSYBOX   # BuildKit: what lacks
    scripts/record_edits.py --ours BUSYBOX                            # ours: all

Each project is built, edited and built again, as in ``tests/engine/test_why_edits.py``; kept is
what the second build prints in plain mode, without times, digests and paths of this host, in
``tests/engine/why/buildkit.json`` and ``jettison.json``. Tests and pages read these.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from project_python import enter

enter()

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests")]

from why_rig import Builder, Edit, Project, edits, make_edit  # noqa: E402 - found so

THEIRS, OURS = (ROOT / f"tests/engine/why/{name}.json" for name in ("buildkit", "jettison"))
_NOISE = (
    (r"sha256:[0-9a-f]{64}", "sha256:…"),
    (r" \d+\.\d+s\b", " …s"),
    (r"(#\d+) \d+\.\d+ ", r"\1 … "),
    (r"\b\d+(\.\d+)?(B|kB|MB)\b", "…B"),
)


def recorded(edit: Edit, project_of: Edit, directory: Path, builder: Builder) -> list[str] | None:
    """Return the lines that BuildKit prints after an edit; None where it cannot be made."""
    if edit.get("prune"):
        return None  # it would forget what others build here
    project = Project(directory)
    project.set_up(project_of, edit)
    project.write({"src/salt": builder.salt})
    _build(project, builder, edit, edit.get("before", ()))
    for name, more, owner in (("moves", "another", "0:0"), ("gives", "", "1000:1000")):
        if name in edit:
            builder.layout(edit[name], more=more, owner=owner)
    project.change(edit)
    lines = _build(project, builder, edit, edit.get("flags", edit.get("before", ())), new=False)
    return [_quiet(line, directory) for line in lines]


def _build(
    project: Project, builder: Builder, edit: Edit, flags: Sequence[str], *, new: bool = True
) -> list[str]:
    command = shlex.split(os.environ.get("JETTISON_BUILDX", "docker buildx"))
    contexts = [f"tools={builder.tools}"]
    for name in edit.get("contexts", ()):
        layout = builder.layout(name) if new else builder.images / name
        index = json.loads((layout / "index.json").read_bytes())
        contexts.append(f"{name}=oci-layout://{layout}@{index['manifests'][0]['digest']}")
    arguments = [each for context in contexts for each in ("--build-context", context)]
    done = subprocess.run(
        [
            *(*command, "build", "--progress=plain", "--network=host", *arguments, *flags),
            *("-f", str(project.dockerfile), str(project.context)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and not (new and "fails" in edit):
        raise SystemExit(f"{edit['title']}:\n{done.stderr}")
    return done.stderr.splitlines()


def _salt(builder: Builder) -> None:
    """Make everything new to the other builder: it may have recorded before."""
    builder.salt = os.urandom(8).hex()
    with (builder.tools / "busybox").open("ab") as program:
        program.write(builder.salt.encode())


def _quiet(line: str, directory: Path) -> str:
    line = line.replace(str(directory), "…")
    for pattern, text in _NOISE:
        line = re.sub(pattern, text, line)
    return line.rstrip()


def main(busybox: str, *, ours: bool) -> None:
    """Record all edits."""
    project, all_of_them = edits()
    place = OURS if ours else THEIRS
    found: dict[str, list[str] | None] = {}
    if place.exists() and not ours:
        found = json.loads(place.read_text())
    with tempfile.TemporaryDirectory() as temporary:
        builder = Builder(Path(temporary) / "builder", busybox)
        if not ours:
            _salt(builder)
        for number, edit in enumerate(all_of_them):
            if edit["title"] in found:
                continue
            directory = Path(temporary) / f"edit{number}"
            directory.mkdir()
            if ours:
                _, text = make_edit(project, edit, directory, builder)
                found[edit["title"]] = text.splitlines()
            else:
                found[edit["title"]] = recorded(edit, project, directory, builder)
            place.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
            print(f"{number + 1}/{len(all_of_them)} {edit['title']}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[-1], ours="--ours" in sys.argv)
