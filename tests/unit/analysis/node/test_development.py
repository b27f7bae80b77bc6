"""Packages that only development needs: by lock files of every manager, and without one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jettison.analysis.node.indented import child, parse_indented, word
from jettison.analysis.node.locks import npm_development, pnpm_development, yarn_development
from jettison.analysis.node.manifest import Manifest, parse_manifest
from jettison.analysis.node.modules import Modules
from jettison.analysis.node.unneeded import unneeded
from unit.analysis.tree_rig import files_of

MANIFEST = json.dumps(
    {"name": "app", "dependencies": {"a": "^1.0.0"}, "devDependencies": {"d": "^2.0.0"}}
)
KNOWN = parse_manifest(MANIFEST.encode()) or Manifest()

YARN = """# yarn lockfile v1


a@^1.0.0:
  version "1.1.0"
  resolved "x"
  dependencies:
    shared "^1.0.0"

"d@^2.0.0", d@2:
  version "2.0.0"
  dependencies:
    "@s/deep" ">= 1 < 2"
    shared "^1.0.0"

"@s/deep@>= 1 < 2":
  version "1.5.0"

shared@^1.0.0:
  version "1.0.0"
"""
BERRY = """__metadata:
  version: 8
  cacheKey: 10

"@s/deep@npm:>= 1 < 2":
  version: 1.5.0
  resolution: "@s/deep@npm:1.5.0"
  languageName: node

"a@npm:^1.0.0":
  version: 1.1.0
  dependencies:
    shared: "npm:^1.0.0"

"app@workspace:.":
  version: 0.0.0-use.local
  dependencies:
    a: "npm:^1.0.0"
    d: "npm:^2.0.0"

"d@npm:^2.0.0":
  version: 2.0.0
  dependencies:
    "@s/deep": "npm:>= 1 < 2"

"shared@npm:^1.0.0":
  version: 1.0.0
"""
PNPM_6 = """lockfileVersion: '6.0'

dependencies:
  a:
    specifier: ^1.0.0
    version: 1.1.0

packages:

  /@s/deep@1.5.0(a@1.1.0):
    resolution: {integrity: sha512-x}
    dev: true

  /a@1.1.0:
    resolution: {integrity: sha512-x}
    dev: false

  /d@2.0.0:
    resolution: {integrity: sha512-x}
    dependencies:
      '@s/deep': 1.5.0
    dev: true
"""
PNPM_9 = """lockfileVersion: '9.0'

importers:

  .:
    dependencies:
      a:
        specifier: ^1.0.0
        version: 1.1.0
    devDependencies:
      d:
        specifier: ^2.0.0
        version: 2.0.0(a@1.1.0)

packages:

  '@s/deep@1.5.0':
    resolution: {integrity: sha512-x}

snapshots:

  '@s/deep@1.5.0': {}

  a@1.1.0: {}

  d@2.0.0(a@1.1.0):
    dependencies:
      '@s/deep': 1.5.0
      a: 1.1.0
"""
ONLY = {("d", "2.0.0"), ("@s/deep", "1.5.0")}


@pytest.mark.parametrize("text", [YARN, BERRY])
def test_yarn_has_no_mark_and_is_followed(text: str) -> None:
    assert yarn_development(text, KNOWN) == ONLY


@pytest.mark.parametrize("text", [PNPM_6, PNPM_9])
def test_pnpm_marks_packages_or_is_followed(text: str) -> None:
    assert pnpm_development(text) == ONLY


def test_npm_marks_paths() -> None:
    packages = {
        "": {},
        "node_modules/a": {"version": "1"},
        "node_modules/d": {"dev": True},
        "node_modules/e": {"devOptional": True},
        "../out": {"dev": True},
        "node_modules/f": 3,
    }
    assert npm_development(json.dumps({"packages": packages}).encode()) == {"node_modules/d"}
    assert npm_development(b'{"lockfileVersion": 1, "dependencies": {}}') is None
    assert npm_development(b"x") is None


def test_indented_text_of_any_kind_is_read() -> None:
    known = parse_indented("a:\n  b: 'c'\n  - x\n# no\n\n   d 'e f'\n\tq\nz: {}")
    assert child(known, "a") == {"b": "c", "d": "e f"}
    assert (word(known, "z"), word(known, "a"), child(known, "none")) == ("{}", "", {})


def installed(root: Path, *paths: str, **files: str) -> Modules:
    contents = {f"/app/{path}": text for path, text in files.items()}
    for path in paths:
        name = path.rpartition("node_modules/")[2]
        version = {"d": "2.0.0", "a": "1.1.0", "@s/deep": "1.5.0"}.get(name, "1.0.0")
        needs = {"d": {"@s/deep": "1", "shared": "1"}, "a": {"shared": "1"}}.get(name, {})
        manifest = {"name": name, "version": version, "dependencies": needs}
        contents[f"/app/{path}/package.json"] = json.dumps(manifest)
        contents[f"/app/{path}/index.js"] = "x" * 100
    return Modules(files_of(root, contents))


FLAT = ("node_modules/a", "node_modules/d", "node_modules/@s/deep", "node_modules/shared")


def test_without_a_lock_file_what_packages_need_is_followed(tmp_path: Path) -> None:
    found = unneeded(installed(tmp_path, *FLAT, **{"package.json": MANIFEST}), "/app")
    assert found is not None
    assert [each.name for each in found.packages] == ["@s/deep", "d"]
    assert (found.source, found.manager) == ("/app/package.json", "npm")
    assert found.bytes == sum(each.bytes for each in found.packages) > 200


@pytest.mark.parametrize(("text", "manager"), [(YARN, "yarn"), (BERRY, "yarn berry")])
def test_with_yarn_names_and_versions_count(tmp_path: Path, text: str, manager: str) -> None:
    files = {"package.json": MANIFEST, "yarn.lock": text}
    found = unneeded(installed(tmp_path, *FLAT, **files), "/app")
    assert found is not None
    assert ([each.name for each in found.packages], found.manager) == (["@s/deep", "d"], manager)


def test_archives_of_plug_and_play_count(tmp_path: Path) -> None:
    files = {
        "package.json": MANIFEST,
        "yarn.lock": BERRY,
        ".yarn/cache/@s-deep-npm-1.5.0-0123456789-10.zip": "zip!",
        ".yarn/cache/a-npm-1.1.0-0123456789-10.zip": "zip!",
    }
    found = unneeded(installed(tmp_path, **files), "/app")
    assert found is not None
    assert [(each.name, each.bytes) for each in found.packages] == [
        ("@s-deep-npm-1.5.0-0123456789-10.zip", 4)
    ]


def test_with_pnpm_the_store_is_looked_through(tmp_path: Path) -> None:
    store = "node_modules/.pnpm"
    modules = installed(
        tmp_path,
        f"{store}/d@2.0.0_a@1.1.0/node_modules/d",
        f"{store}/@s+deep@1.5.0/node_modules/@s/deep",
        f"{store}/a@1.1.0/node_modules/a",
        **{"package.json": MANIFEST, "pnpm-lock.yaml": PNPM_9},
    )
    found = unneeded(modules, "/app")
    assert found is not None
    assert [each.name for each in found.packages] == ["@s/deep", "d"]


def test_the_manifest_may_be_in_another_tree(tmp_path: Path) -> None:
    there = installed(tmp_path / "there", **{"package.json": MANIFEST})
    modules = installed(tmp_path / "here", *FLAT)
    assert unneeded(modules, "/app") is None
    found = unneeded(modules, "/app", there, "/app")
    assert found is not None
    assert len(found.packages) == 2
