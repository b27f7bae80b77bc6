"""Files of languages that were made to hurt who reads them: bounded times, never an exception."""

from __future__ import annotations

import io
import json
import os
import random
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from jettison.analysis.dotnet import dotnet_program
from jettison.analysis.files import Files, list_files
from jettison.analysis.java.command import JavaStart, java_start
from jettison.analysis.java.program import java_program
from jettison.analysis.java.runtime import java_runtime
from jettison.analysis.node.closure import closure
from jettison.analysis.node.command import node_start, script_commands
from jettison.analysis.node.locks import npm_development, pnpm_development, yarn_development
from jettison.analysis.node.manifest import Manifest, parse_manifest
from jettison.analysis.node.modules import Modules, Outcome
from jettison.analysis.node.scan import How, scan
from jettison.analysis.node.unneeded import unneeded
from jettison.analysis.php import autoload
from jettison.analysis.ruby import bundle
from jettison.fs.host_tree import HostTree

MIB = 1 << 20
LONG = 1 << 18


def written(root: Path, contents: dict[str, bytes | str]) -> Files:
    """Write files and list them; text beginning with ``->`` is the target of a link."""
    for path, content in contents.items():
        file = root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str) and content.startswith("->"):
            file.symlink_to(content[2:])
        else:
            file.write_bytes(content.encode() if isinstance(content, str) else content)
    return list_files(HostTree(root))


@pytest.fixture
def seconds() -> Iterator[float]:
    """How long a test may take, on a machine that does much else."""
    started = time.process_time()
    yield 5
    assert time.process_time() - started < 60


@pytest.mark.parametrize(
    "text",
    [
        "import " * (LONG // 7),
        "=/[" * (LONG // 3),
        "require(x);" * (LONG // 11),
        "require('x');" * (LONG // 13),
        "{" * LONG,
        "`${" * (LONG // 3),
        "import/*" * (LONG // 8),
        "export {" * (LONG // 8),
        "export * as a " * (LONG // 14),
        "require('" * (LONG // 9),
        "import a," * (LONG // 9),
        "import" + " " * LONG,
        "await import('" * (LONG // 14),
        "a" * LONG + "require",
        "'\\" * (LONG // 2) + "import",
        "\n}" * (LONG // 2) + "import",
        "x\nrequire('y')" * (LONG // 14),
    ],
    ids=lambda text: repr(text[:12]),
)
def test_scanning_takes_a_time_that_grows_with_the_text_only(text: str, seconds: float) -> None:
    assert len(scan(text).loads) <= 20_001


@pytest.mark.parametrize(
    "data",
    [
        b'{"exports":' * 100_000,
        b'{"exports":' + b"[" * 400 + b"]" * 400 + b"}",
        b'{"exports": {".": ' + b'{"default": ' * 400 + b'"./x"' + b"}" * 400 + b"}}",
        json.dumps({"exports": {f"./{n}/*": "./x" for n in range(50_000)}}).encode(),
        json.dumps({"exports": [["./../x"] * 100] * 100}).encode(),
        json.dumps({"imports": {"#a": "#b", "#b": "#a"}, "exports": 7}).encode(),
        json.dumps({"main": "../" * 1000 + "etc/passwd"}).encode(),
        json.dumps({"main": {"main": 1}, "dependencies": 3, "bin": [1], "scripts": None}).encode(),
        json.dumps({"dependencies": {"../../etc": "1", "a\0b": "1", "": "1"}}).encode(),
        b'{"main": "\xff\xfe\xed\xa0\x80"}',
        b'{"name": "\\ud800", "main": "\\ud800\\u0000"}',
        b"\xef\xbb\xbf\xef\xbb\xbf{}",
        b"\x00" * 1000,
        b"null",
        b"",
    ],
    ids=lambda data: repr(data[:20]),
)
def test_manifests_of_any_kind(tmp_path: Path, data: bytes, seconds: float) -> None:
    contents: dict[str, bytes | str] = {
        "/app/package.json": data,
        "/app/main.js": "require('p'); require('p/x'); require('#a'); require('./p'); require('.')",
        "/app/p/package.json": data,
        "/app/node_modules/p/package.json": data,
        "/app/node_modules/p/index.js": "require('#a'); require('q')",
    }
    modules = Modules(written(tmp_path, contents))
    found = closure(modules, ["/app/main.js"])
    assert all(path.startswith("/app/") for path in found.files)
    for how in How:
        modules.resolve("#a", "/app/main.js", how)
    unneeded(modules, "/app")
    known = parse_manifest(data)
    list(script_commands(known or Manifest(), "start"))


def test_a_manifest_of_100_mb_is_not_read(tmp_path: Path, seconds: float) -> None:
    contents: dict[str, bytes | str] = {
        "/app/main.js": "require('p')",
        "/app/node_modules/p/package.json": "{",
    }
    written(tmp_path, contents)
    for name in ("app/node_modules/p/package.json", "app/node_modules/.package-lock.json"):
        (tmp_path / name).touch()
        os.truncate(tmp_path / name, 100 * MIB)
    modules = Modules(list_files(HostTree(tmp_path)))
    assert closure(modules, ["/app/main.js"]).missing == ()
    assert modules.resolve("p", "/app/main.js", How.REQUIRE).outcome is Outcome.UNKNOWN
    assert unneeded(modules, "/app") is None


def test_links_that_lead_in_circles_end(tmp_path: Path, seconds: float) -> None:
    contents: dict[str, bytes | str] = {
        "/app/main.js": "require('a'); require('b'); require('c/d/e'); require('./self/self/x')",
        "/app/node_modules/a": "->b",
        "/app/node_modules/b": "->a",
        "/app/node_modules/c": "->..",
        "/app/node_modules/up/package.json": '{"dependencies": {"up": "1", "c": "1"}}',
        "/app/self": "->.",
        "/app/out": "->../../../../etc",
        "/node_modules": "->node_modules",
    }
    modules = Modules(written(tmp_path, contents))
    found = closure(modules, ["/app/main.js"])
    assert {each.load.specifier for each in found.missing} >= {"a", "b"}
    assert modules.resolve("./out/passwd", "/app/main.js", How.REQUIRE).outcome is Outcome.MISSING
    assert unneeded(modules, "/app") is None


def test_many_files_and_deep_directories_are_followed_up_to_a_limit(
    tmp_path: Path, seconds: float
) -> None:
    deep = "/d" * 300
    contents: dict[str, bytes | str] = {
        f"/app/f{number}.js": f"require('./f{number + 1}');" + "//" * 50_000
        for number in range(200)
    }
    contents["/app/f200.js"] = f"require('..{deep}/x')"
    contents[f"{deep}/x.js"] = "require('nowhere')"
    found = closure(Modules(written(tmp_path, contents)), ["/app/f0.js"])
    assert not found.is_whole
    assert len(found.files) <= 180


LINES = 20_000


@pytest.mark.parametrize(
    "text",
    [
        "a@1:\n" * LINES,
        "".join(" " * (n % 40) + "x:\n" for n in range(LINES)),
        "'" * LONG,
        "a: " + " " * LONG + "b",
        '"' + "\\" * LONG,
        "a@1:\n  dependencies:\n" + "    b '1'\n" * LINES,
        "packages:\n" + "".join(f"  /p{n}@1:\n    dev: true\n" for n in range(20_000)),
        "importers:\n  .:\n    dependencies:\n      a: 1\nsnapshots:\n  a@1:\n    dependencies:\n      a: 1",
        "x: &a [*a]\n\x00\ufffd: {}",
    ],
    ids=lambda text: repr(text[:12]),
)
def test_lock_files_of_any_kind(text: str, seconds: float) -> None:
    manifest = Manifest(development=frozenset({"a"}), ranges={"a": "1"})
    yarn_development(text, manifest)
    pnpm_development(text)
    npm_development(text.encode())


def bomb(*names: str, size: int = 50 * MIB) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in names:
            with archive.open(name, "w") as entry:
                for _ in range(size // MIB):
                    entry.write(bytes(MIB))
    return data.getvalue()


def test_archives_that_grow_are_read_up_to_a_limit(tmp_path: Path, seconds: float) -> None:
    data = bomb("META-INF/MANIFEST.MF", "Main.class")
    many = io.BytesIO()
    with zipfile.ZipFile(many, "w") as archive:
        for number in range(500):
            archive.writestr(f"{number}.class", b"")
    claims = bytearray(many.getvalue())
    claims[-12:-8] = (1 << 31).to_bytes(4, "little")
    files = written(tmp_path, {"/a.jar": data, "/b.jar": bytes(claims), "/lib/c.jar": data})
    for jar in ("a.jar", "b.jar"):
        assert java_program(files, JavaStart(jar=jar), "/").classes == ()
    start = JavaStart(main="Main", class_path=("lib/*", "b.jar", *("a.jar",) * 5))
    assert java_program(files, start, "/").classes == ()


def test_random_bytes_in_files_of_every_kind(tmp_path: Path, seconds: float) -> None:
    choose = random.Random(7)
    seeds = {
        "/app/main.js": b"import a from 'a'; const b = require('./b'); /x/.test(`${1}`)",
        "/app/package.json": b'{"name":"a","exports":{".":{"import":"./x"}},"scripts":{"start":"x"}}',
        "/app/node_modules/.package-lock.json": b'{"packages":{"node_modules/a":{"dev":true}}}',
        "/app/yarn.lock": b'a@^1, "b@2":\n  version "1"\n  dependencies:\n    c "1"\n',
        "/app/Gemfile": b"group :test do\n  gem 'a'\nend\n",
        "/app/Gemfile.lock": b"GEM\n  specs:\n    a (1.0)\n      b (~> 1)\n\nDEPENDENCIES\n  a\n",
        "/app/index.php": b"<?php\nrequire __DIR__ . '/vendor/autoload.php';\n",
        "/app/vendor/autoload.php": b"<?php",
        "/app/vendor/composer/installed.json": b'{"packages":[{"name":"a","install-path":"../a"}]}',
        "/app/a.runtimeconfig.json": b'{"runtimeOptions":{"framework":{"name":"x","version":"1.0.0"}}}',
        "/jre/release": b'JAVA_VERSION="17.0.1"\nMODULES="java.base"\n',
        "/jre/bin/java": b"",
    }
    for number in range(40):
        contents: dict[str, bytes | str] = {}
        for path, seed in seeds.items():
            data = bytearray(seed)
            for _ in range(choose.randint(0, 6)):
                at = choose.randrange(len(data) + 1)
                data[at : at + choose.randint(0, 3)] = choose.randbytes(choose.randint(0, 3))
            contents[path] = bytes(data)
        files = written(tmp_path / str(number), contents)
        modules = Modules(files)
        closure(modules, ["/app/main.js"])
        unneeded(modules, "/app")
        bundle(files, "/app", {"BUNDLE_WITHOUT": "test"})
        autoload(files, "/app/index.php", {})
        dotnet_program(files, "/app/a.dll", "", {})
        java_runtime(files, "/jre/bin/java")
        words = [part.decode("utf-8", "replace") for part in choose.randbytes(60).split(b"a")]
        java_start(words, words[0])
        node_start(words, words[-1])
