"""Resolution as Node does it; ``tests/checks/test_node_resolution.py`` compares with Node itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jettison.analysis.node.exports import Unresolvable, exported, imported
from jettison.analysis.node.manifest import Manifest, parse_manifest
from jettison.analysis.node.modules import Modules, Outcome, split
from jettison.analysis.node.packages import package_directory, package_graph
from jettison.analysis.node.scan import How
from unit.analysis.tree_rig import files_of


def package(**fields: object) -> str:
    return json.dumps(fields)


@pytest.fixture
def modules(tmp_path: Path) -> Modules:
    contents = {
        "/app/package.json": package(
            name="app", imports={"#x": "./x.js", "#dep": "plain"}, exports={"./own": "./x.js"}
        ),
        "/app/x.js": "",
        "/app/lib/index.js": "",
        "/app/lib/data.json": "{}",
        "/app/lib/file.mjs": "",
        "/app/node_modules/plain/index.js": "",
        "/app/node_modules/main/package.json": package(main="./lib"),
        "/app/node_modules/main/lib/index.json": "{}",
        "/app/node_modules/maps/package.json": package(
            exports={".": {"import": "./m.mjs", "require": "./c.cjs"}, "./p/*": "./q/*.js"}
        ),
        "/app/node_modules/maps/m.mjs": "",
        "/app/node_modules/maps/c.cjs": "",
        "/app/node_modules/maps/q/one.js": "",
        "/app/node_modules/maps/hidden.js": "",
        "/app/node_modules/broken/package.json": "{",
        "/app/node_modules/single.js": "",
        "/app/node_modules/linked": "->../../work/linked",
        "/app/node_modules/gone": "->../../work/gone",
        "/work/linked/index.js": "",
        "/node_modules/above/index.js": "",
        "/opt/more/there/index.js": "",
        "/pnp/.pnp.cjs": "",
        "/pnp/a/b.js": "",
    }
    return Modules(files_of(tmp_path, contents), ("/opt/more",))


@pytest.mark.parametrize(
    ("specifier", "how", "path"),
    [
        ("./lib", How.REQUIRE, "/app/lib/index.js"),
        ("./lib/", How.REQUIRE, "/app/lib/index.js"),
        ("./lib/data", How.REQUIRE, "/app/lib/data.json"),
        ("./lib/file", How.REQUIRE, None),
        ("./lib/file.mjs", How.IMPORT, "/app/lib/file.mjs"),
        ("./lib", How.IMPORT, None),
        ("./x", How.IMPORT, None),
        (".", How.REQUIRE, None),
        ("/app/x", How.REQUIRE, "/app/x.js"),
        ("file:///app/x.js", How.IMPORT, "/app/x.js"),
        ("plain", How.IMPORT, "/app/node_modules/plain/index.js"),
        ("plain/index", How.REQUIRE, "/app/node_modules/plain/index.js"),
        ("plain/index", How.IMPORT, None),
        ("main", How.REQUIRE, "/app/node_modules/main/lib/index.json"),
        ("maps", How.REQUIRE, "/app/node_modules/maps/c.cjs"),
        ("maps", How.DYNAMIC, "/app/node_modules/maps/m.mjs"),
        ("maps/p/one", How.REQUIRE, "/app/node_modules/maps/q/one.js"),
        ("maps/hidden.js", How.REQUIRE, None),
        ("maps/package.json", How.REQUIRE, None),
        ("single", How.REQUIRE, "/app/node_modules/single.js"),
        ("single", How.IMPORT, None),
        ("linked", How.REQUIRE, "/work/linked/index.js"),
        ("gone", How.REQUIRE, None),
        ("above", How.REQUIRE, "/node_modules/above/index.js"),
        ("there", How.REQUIRE, "/opt/more/there/index.js"),
        ("#x", How.IMPORT, "/app/x.js"),
        ("#dep", How.REQUIRE, "/app/node_modules/plain/index.js"),
        ("#none", How.IMPORT, None),
        ("app/own", How.REQUIRE, "/app/x.js"),
        ("nowhere", How.REQUIRE, None),
        ("@scope/nowhere", How.IMPORT, None),
    ],
)
def test_specifiers_lead_to_files(
    modules: Modules, specifier: str, how: How, path: str | None
) -> None:
    found = modules.resolve(specifier, "/app/main.js", how)
    assert found.outcome is (Outcome.MISSING if path is None else Outcome.FILE)
    assert found.path == (path or "")


@pytest.mark.parametrize(
    "name", ["fs", "node:sqlite", "fs/promises", "node:test/reporters", "path"]
)
def test_builtins_are_no_files(modules: Modules, name: str) -> None:
    assert modules.resolve(name, "/app/main.js", How.IMPORT).outcome is Outcome.BUILTIN


@pytest.mark.parametrize(
    ("specifier", "importer"),
    [
        ("broken", "/app/main.js"),
        ("anything", "/pnp/a/b.js"),
        ("data:text/javascript,1", "/app/main.js"),
        ("https://example.com/x.js", "/app/main.js"),
        ("bun:test", "/app/main.js"),
        ("x" * 5000, "/app/main.js"),
        ("..", "/app/main.js\0"),
    ],
)
def test_what_only_a_run_could_tell_is_unknown(modules, specifier: str, importer: str) -> None:
    found = modules.resolve(specifier, importer, How.REQUIRE)
    assert found.outcome in {Outcome.UNKNOWN, Outcome.MISSING}
    assert found.outcome is Outcome.UNKNOWN or specifier == ".."


def test_a_package_that_is_there_without_the_file_is_said_to_be(modules: Modules) -> None:
    found = modules.resolve("maps/none", "/app/main.js", How.REQUIRE)
    assert (found.package, found.name) == ("/app/node_modules/maps", "maps")


def test_exports_follow_the_longest_pattern_and_null_hides() -> None:
    field = {"./*": "./src/*.js", "./in/*": None, "./in/a": "./a.js", "./d/*.js": ["./no", "./e/*"]}
    conditions = frozenset({"node"})
    assert exported(field, "./x", conditions) == "./src/x.js"
    assert exported(field, "./in/b", conditions) is None
    assert exported(field, "./in/a", conditions) == "./a.js"
    assert exported("./one.js", ".", conditions) == "./one.js"
    assert exported({"browser": "./b", "node": {"import": "./i"}}, ".", conditions) is None
    assert exported({".": "../out.js"}, ".", conditions) is None
    assert exported({".": "./../../out.js"}, ".", conditions) is None
    assert exported({"./*": "./*"}, "./../x", conditions) is None
    assert imported({"#a": {"node": "other/x"}}, "#a", conditions) == "other/x"
    assert imported("x", "#a", conditions) is None


def test_deep_and_wide_exports_are_given_up() -> None:
    deep: object = "./x"
    for _ in range(100):
        deep = {"default": deep}
    with pytest.raises(Unresolvable):
        exported({".": deep}, ".", frozenset())
    with pytest.raises(Unresolvable):
        exported({f"./{number}/*": "./x" for number in range(10_000)}, "./z", frozenset())


def test_manifests_of_wrong_types_are_read_as_far_as_they_go() -> None:
    text = {
        "name": 1,
        "dependencies": {"a": "1", "..": "2", "b": 3},
        "optionalDependencies": {"b": "1"},
        "devDependencies": ["x"],
        "peerDependenciesMeta": {"p": {"optional": True}, "q": 1},
        "bin": "./cli.js",
        "scripts": {"start": "node x", "bad": []},
        "workspaces": {"packages": ["a/*", 1]},
        "type": "module",
    }
    found = parse_manifest(json.dumps(text).encode())
    assert found is not None
    assert (found.name, found.needed, found.optional) == ("", {"a"}, {"b"})
    assert (found.development, found.optional_peers) == (frozenset(), {"p"})
    assert (found.scripts, found.workspaces) == ({"start": "node x"}, ("a/*",))
    assert found.is_module
    assert parse_manifest(b"[" * 100_000) is None
    assert parse_manifest(b"\xff\xfe") is None
    assert parse_manifest(b'\xef\xbb\xbf{"main": "m"}') == Manifest(main="m")


def test_packages_lead_to_others_by_what_they_need(tmp_path: Path) -> None:
    contents = {
        "/a/node_modules/one/package.json": package(dependencies={"two": "1", "gone": "1"}),
        "/a/node_modules/two/package.json": package(peerDependencies={"one": "1"}),
        "/a/node_modules/off/package.json": package(dependencies={"two": "1"}),
    }
    modules = Modules(files_of(tmp_path, contents))
    graph = package_graph(modules, ["/a/node_modules/one", "/a/node_modules/off"])
    one = graph.packages["/a/node_modules/one"]
    assert (one.uses, one.absent) == (("/a/node_modules/two",), ("gone",))
    assert graph.leading_to(["/a/node_modules/one"]) == set(graph.packages)
    assert package_directory("/a/node_modules/@s/x/node_modules/y/z.js").endswith("/node_modules/y")
    assert split("a/b/c") == ("a", "./b/c")
