"""What JavaScript files load, as they are written by people, compilers and bundlers."""

from __future__ import annotations

import pytest

from jettison.analysis.node.scan import How, Load, Scan, scan


def certain(source: str) -> list[str]:
    return [each.specifier for each in scan(source).loads if each.certain]


def uncertain(source: str) -> list[str]:
    return [each.specifier for each in scan(source).loads if not each.certain]


@pytest.mark.parametrize(
    "source",
    [
        'import a from "a"',
        "import a, { b as c } from 'a'",
        "import*as a from'a'",
        "import a, * as b from 'a'",
        "import 'a'",
        "import {\n  b, // of 'b'\n  c,\n} from 'a';",
        "import data from 'a' with { type: 'json' }",
        "import { type T, b } from 'a'",
        "import type from 'a'",
        "export * from 'a'",
        "export * as b from 'a'",
        'export { b, default as c } from "a"',
        "x = 1; import b from 'a'",
        'const a = require("a")',
        "var a = require('a'), b = 1",
        "require('a').config()",
        "module.exports = require('a')",
        'const x_1 = __importDefault(require("a"));',
        "const x = __importStar(require('a'))",
        "var import_a = __toESM(require('a'), 1)",
        "const a = require(`a`)",
        "const a = require( /* it */ 'a' )",
        "const { b = {} } = require('a')",
        "let x = 1 / 2, a = require('a') / 3",
        "const re = /['\"`]/g\nconst a = require('a')",
        "const s = `x${ `y${1}` }'`\nconst a = require('a')",
        "const ok = c ? 1 : 2\nconst a = require('a')",
        "if (c) { b() }\nconst a = require('a')",
        "function f() { return 1 }\nvar a = require('a')",
        "const a = await import('a')",
        "#!/usr/bin/env node\nrequire('a')",
        "x.require('b'); const a = require('\\x61')",
        "return_ = {}\nrequire('a')",
        "a?.b()\nrequire('a')",
    ],
)
def test_what_is_loaded_for_certain(source: str) -> None:
    assert certain(source) == ["a"]


@pytest.mark.parametrize(
    "source",
    [
        "if (x) y = require('a')",
        "if (x)\n  require('a')",
        "if (x) { require('a') }",
        "x && require('a')",
        "const y = x ? require('a') : null",
        "const f = () => require('a')",
        "function f() { return require('a') }",
        "try { require('a') } catch {}",
        "for (const x of y) { require('a') }",
        "import('a').then(f)",
        "const y = x ||\n  require('a')",
        "const o = { get a() { return require('a') } }",
        "(() => { require('a') })()",
        "({1: e => { e.exports = require('a') }})",
    ],
)
def test_what_is_loaded_in_some_cases(source: str) -> None:
    assert (certain(source), uncertain(source)) == ([], ["a"])


@pytest.mark.parametrize(
    "source",
    [
        "// require('a')",
        "/* import 'a' */",
        "'require(\"a\")'",
        "\"import 'a'\"",
        "`require('a')`",
        "/require('a')/",
        "x.require('a')",
        "required('a')",
        "function require(a) {}",
        "import type { T } from 'a'",
        "export type { T } from 'a'",
        "import.meta.url",
        "const from = 'a'",
        "export const b = 'a'",
        "require.resolve('a')",
        "const x = { import: 1, 'from': 'a' }",
        "x = a / b; y = \"require('a')\" / 2",
        "",
    ],
)
def test_what_loads_nothing(source: str) -> None:
    assert scan(source).loads == ()


def test_lines_are_counted_and_tries_noted() -> None:
    source = "import 'a'\n/*\n\n*/ import 'b'\ntry {\n  if (x) { require('c') }\n} catch {}\nrequire('d')"
    assert scan(source).loads == (
        Load("a", How.IMPORT, 1, True),
        Load("b", How.IMPORT, 4, True),
        Load("c", How.REQUIRE, 6, False, True),
        Load("d", How.REQUIRE, 8, True),
    )


def test_computed_loads_are_noted() -> None:
    source = "const a = require(name)\nfunction f() { require('./' + x) }\nrequire()"
    assert scan(source) == Scan((), ((1, True), (2, False)))
