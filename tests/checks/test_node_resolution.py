"""Resolution is that of Node: random packages, asked of Node itself in its image."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest

from checks.rig import Checked
from jettison.analysis.files import list_files
from jettison.analysis.node.modules import Modules, Outcome
from jettison.analysis.node.scan import How
from jettison.fs.host_tree import HostTree

pytestmark = pytest.mark.xdist_group("checks")

PROBE = """
import { createRequire } from "node:module";
import { readFileSync, realpathSync, statSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
const found = [];
for (const [specifier, importer, how] of JSON.parse(readFileSync("/app/questions.json"))) {
  let path = "";
  try {
    if (how === "require") path = createRequire(importer).resolve(specifier);
    else path = import.meta.resolve(specifier, pathToFileURL(importer).href);
    if (path.startsWith("file:")) path = fileURLToPath(path);
    if (path.startsWith("/")) path = statSync(path).isFile() ? realpathSync(path) : "";
  } catch (error) {
    path = "";
  }
  found.push(path);
}
console.log("ANSWERS" + JSON.stringify(found));
"""
NAMES = ("one", "two", "@s/three", "four")
FILES = (
    "index.js",
    "main.js",
    "lib/a.js",
    "lib/b.mjs",
    "lib/index.js",
    "data.json",
    "x/y/z.js",
    "q.cjs",
)
TARGETS = (
    *(f"./{name}" for name in FILES),
    *(
        "./lib/*.js",
        "./lib/*",
        "./x/*/z.js",
        "./none.js",
        "../out.js",
        "./x/../main.js",
        "lib/a.js",
    ),
)
KEYS = (".", "./lib/*", "./*", "./x/*.js", "./a", "./lib/a", "./data.json", "./lib/in/*", "./*.js")
CONDITIONS = ("import", "require", "node", "default", "browser", "types", "node-addons")
SPECIFIERS = (
    *NAMES,
    *(
        f"{name}/{rest}"
        for name in NAMES
        for rest in ("lib/a", "a", "lib/a.js", "data.json", "x/y")
    ),
    *(f"./{name}" for name in FILES),
    *("./lib", "./lib/", ".", "..", "./main", "./data", "./x/y/z", "../app/main", "/app/main.js"),
    *("#one", "#lib/a", "#none", "app", "app/a", "fs", "node:fs", "five", "./lib/b"),
)


def target(choose: random.Random, depth: int = 0) -> object:
    """Return what stands for a key of ``exports``."""
    kind = choose.random()
    if kind < 0.5 or depth > 2:
        return choose.choice(TARGETS)
    if kind < 0.6:
        return None
    if kind < 0.7:
        return [target(choose, depth + 1) for _ in range(choose.randint(1, 2))]
    names = choose.sample(CONDITIONS, choose.randint(1, 3))
    return {name: target(choose, depth + 1) for name in names}


def manifest(choose: random.Random, name: str) -> dict[str, object]:
    """Return a random ``package.json``."""
    found: dict[str, object] = {"name": name}
    if choose.random() < 0.5:
        found["main"] = choose.choice((*FILES, "lib", "./lib/", "lib/a", "none", "x"))
    if choose.random() < 0.6:
        keys = choose.sample(KEYS, choose.randint(1, 4))
        found["exports"] = (
            {key: target(choose) for key in keys} if choose.random() < 0.8 else (target(choose))
        )
    if choose.random() < 0.4:
        found["imports"] = {"#one": target(choose), "#lib/*": "./lib/*.js", "#dep": "one"}
    if choose.random() < 0.3:
        found["type"] = "module"
    return found


def write_package(choose: random.Random, place: Path, name: str) -> None:
    place.mkdir(parents=True)
    if choose.random() < 0.9:
        (place / "package.json").write_text(json.dumps(manifest(choose, name)))
    for each in FILES:
        if choose.random() < 0.7:
            (place / each).parent.mkdir(parents=True, exist_ok=True)
            (place / each).write_text("{}" if each.endswith("json") else "")


def test_what_is_found_is_what_node_finds(checked: Checked, tmp_path: Path) -> None:
    choose = random.Random(os.environ.get("JETTISON_SEED", "resolution"))
    root = tmp_path / "root"
    questions = []
    for number in range(16):
        app = root / f"app{number}"
        write_package(choose, app, "app")
        for name in NAMES:
            if choose.random() < 0.7:
                place = app / "node_modules"
                if choose.random() < 0.3:
                    place = app / "node_modules/.store" / name.replace("/", "+") / "node_modules"
                    link = app / "node_modules" / name
                    link.parent.mkdir(parents=True, exist_ok=True)
                    link.symlink_to(os.path.relpath(place / name, link.parent))
                write_package(choose, place / name, name)
        importers = ["main.js", "lib/a.js", "node_modules/one/lib/a.js"]
        questions += [
            (specifier, f"/app{number}/{importer}", how.value)
            for specifier in SPECIFIERS
            for importer in importers
            if (app / importer).exists() and not (app / importer).is_symlink()
            for how in (How.REQUIRE, How.IMPORT)
        ]
    modules = Modules(list_files(HostTree(root)))
    ours = []
    for specifier, importer, how in questions:
        real = modules.find(importer)
        assert real is not None
        found = modules.resolve(specifier, real, How(how))
        ours.append(specifier if found.outcome is Outcome.BUILTIN else found.path)
    (root / "app").mkdir()
    (root / "app/questions.json").write_text(json.dumps(questions))
    (root / "app/probe.mjs").write_text(PROBE)
    (root / "Dockerfile").write_text(
        "FROM node:20-alpine\nCOPY . /\n"
        'CMD ["node", "--experimental-import-meta-resolve", "/app/probe.mjs"]\n'
    )
    tag, _ = checked.build(root)
    status, said = checked.run(tag)
    assert status == 0, said
    answers = json.loads(said.partition("ANSWERS")[2].splitlines()[0])
    wrong = [
        (question, mine, theirs)
        for question, mine, theirs in zip(questions, ours, answers, strict=True)
        if mine != theirs and not theirs.startswith("node:")
    ]
    assert len(questions) > 2000
    assert not wrong, (len(wrong), wrong[:10])
