"""What Node programs load from their first file on, and what of that is not there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jettison.analysis.node.closure import Closure, closure
from jettison.analysis.node.command import (
    NodeStart,
    is_manager,
    is_node,
    node_start,
    script_commands,
    script_of,
)
from jettison.analysis.node.manifest import Manifest
from jettison.analysis.node.modules import Modules
from unit.analysis.tree_rig import files_of

NEEDS = json.dumps({"name": "p", "main": "i.js", "dependencies": {"gone": "1"}})


def loads(root: Path, contents: dict[str, str], *entries: str) -> Closure:
    modules = Modules(files_of(root, contents))
    return closure(modules, entries or ("/app/main.js",))


def missing(found: Closure) -> list[tuple[str, bool]]:
    return [(each.load.specifier, each.certain) for each in found.missing]


def test_files_of_the_program_are_followed(tmp_path: Path) -> None:
    contents = {
        "/app/main.js": "require('./a'); x && require('./b'); require('none')",
        "/app/a.js": "require('./c.js'); require('fs')",
        "/app/b.js": "require('later')",
        "/app/c.js": "try { require('maybe') } catch {}\nrequire('./data.json')",
        "/app/data.json": "{}",
    }
    found = loads(tmp_path, contents)
    assert missing(found) == [("none", True), ("later", False)]
    assert found.files == (
        "/app/main.js", "/app/a.js", "/app/b.js", "/app/c.js", "/app/data.json",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("const x = require('gone')", [("gone", True)]),
        ("exports.f = () => require('gone')", []),
        ("try { require('gone') } catch {}", []),
        ("", []),
    ],
)
def test_packages_are_read_where_something_that_they_need_is_not_there(
    tmp_path: Path, code: str, expected: list[tuple[str, bool]]
) -> None:
    contents = {
        "/app/main.js": "require('o')",
        "/app/node_modules/o/package.json": json.dumps({"dependencies": {"p": "1"}}),
        "/app/node_modules/o/index.js": "require('p')",
        "/app/node_modules/p/package.json": NEEDS,
        "/app/node_modules/p/i.js": code,
    }
    assert missing(loads(tmp_path, contents)) == expected


def test_packages_that_have_all_are_not_read(tmp_path: Path) -> None:
    contents = {
        "/app/main.js": "require('p')",
        "/app/node_modules/p/index.js": "require('undeclared')",
    }
    assert missing(loads(tmp_path, contents)) == []


@pytest.mark.parametrize(
    "code",
    [
        "require('tsconfig-paths/register')",
        "Module._resolveFilename = f",
        "require('module-alias')",
    ],
)
def test_nothing_is_missing_where_the_program_changes_how_modules_are_found(
    tmp_path: Path, code: str
) -> None:
    found = loads(tmp_path, {"/app/main.js": f"{code}\nrequire('none')"})
    assert (found.is_hooked, found.missing) == (True, ())


def test_typescript_is_left_to_its_loader(tmp_path: Path) -> None:
    assert loads(tmp_path, {"/app/main.ts": "import 'x'"}, "/app/main.ts").missing == ()


def test_cycles_end(tmp_path: Path) -> None:
    contents = {
        "/app/main.js": "require('./a'); require('p')",
        "/app/a.js": "require('./main')",
        "/app/node_modules/p/package.json": json.dumps({"dependencies": {"q": "1"}}),
        "/app/node_modules/q/package.json": json.dumps({"dependencies": {"p": "1", "gone": "1"}}),
        "/app/node_modules/p/index.js": "require('q')",
        "/app/node_modules/q/index.js": "require('p')",
    }
    assert missing(loads(tmp_path, contents)) == []


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        (["a.js", "-r", "b"], NodeStart("a.js")),
        (["--require=./pre", "a.js"], NodeStart("a.js", ("./pre",))),
        (["--import", "./pre.mjs", "--", "a.js"], NodeStart("a.js", ("./pre.mjs",))),
        (["--max-old-space-size=100", "a"], NodeStart("a")),
        (["--loader", "ts-node/esm", "a.ts"], NodeStart("a.ts", (), has_loader=True)),
        (["-e", "1"], None),
        (["-"], None),
        ([], None),
    ],
)
def test_what_node_starts(arguments: list[str], start: NodeStart | None) -> None:
    assert node_start(arguments) == start


def test_options_come_from_the_environment_too() -> None:
    assert node_start(["a"], "-r ./x --inspect") == NodeStart("a", ("./x",))
    assert is_node("/usr/bin/node")
    assert not is_node("/usr/bin/nodemon")
    assert is_manager("pnpm")


@pytest.mark.parametrize(
    ("argv", "script"),
    [
        ("npm start", "start"),
        ("npm run -s web -- --port 1", "web"),
        ("npm run", ""),
        ("npm install", ""),
        ("npm --prefix /x start", ""),
        ("yarn web", "web"),
        ("yarn node x.js", ""),
        ("yarn", ""),
        ("pnpm run web", "web"),
    ],
)
def test_which_script_a_manager_runs(argv: str, script: str) -> None:
    name, *arguments = argv.split()
    assert script_of(name, arguments) == script


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("node a.js", [("node", "a.js")]),
        ("A=1 cross-env B=2 node a && node b; c", [("node", "a"), ("node", "b")]),
        ("node 'a b.js' | tee log", [("node", "a b.js")]),
        ("$X a", []),
        ("NODE_PATH=src node a && node b", []),
        ("'unclosed", []),
    ],
)
def test_the_commands_of_a_script(text: str, commands: list[tuple[str, ...]]) -> None:
    manifest = Manifest(scripts={"start": text})
    assert list(script_commands(manifest, "start")) == commands
    assert list(script_commands(Manifest(), "start")) == [("node", "server.js")]
    before = Manifest(scripts={"prestart": "x", "start": "y"})
    assert list(script_commands(before, "start")) == [("x",), ("y",)]
