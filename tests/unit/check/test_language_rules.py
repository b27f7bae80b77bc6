"""What MS406, MS407 and MS408 say of builds of two stages, and how bad they find it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from jettison.check.rule import Rule
from jettison.check.rules.ms406 import MS406
from jettison.check.rules.ms407 import MS407
from jettison.check.rules.ms408 import MS408
from jettison.findings.finding import Finding, FixKind
from jettison.findings.fix import apply_fix
from jettison.oci.config import ContainerConfig
from unit.analysis.java.test_java import class_file, jar, module_info
from unit.analysis.tree_rig import ELF
from unit.check.stages_rig import two_stages

BASE: dict[str, bytes | str] = {"/usr/bin/node": ELF, "/bin/sh": ELF}
NEEDS_GREET = json.dumps({"name": "app", "dependencies": {"greet": "1"}})
MODULES = {
    "/app/node_modules/greet/package.json": '{"name": "greet", "version": "1.2.3"}',
    "/app/node_modules/greet/index.js": "exports.greet = 1",
}


def findings(
    root: Path,
    rule: Rule,
    builder: Mapping[str, bytes | str],
    *copies: tuple[str, str],
    cmd: tuple[str, ...] = ("node", "main.js"),
    base: Mapping[str, bytes | str] = BASE,
    env: tuple[str, ...] = (),
    last: str = "node:20-slim",
) -> list[Finding]:
    config = ContainerConfig(cmd=cmd, working_dir="/app", env=("PATH=/usr/bin:/opt/java/bin", *env))
    subject = two_stages(
        root, builder=builder, base=base, copies=copies, config=config, froms=("node:20", last)
    )
    found = list(rule.check(subject))
    for each in found:
        for fix in each.fixes:
            apply_fix(subject.record.source, fix)
    return found


def first_fix(found: list[Finding]) -> tuple[str, int]:
    fix = found[0].fixes[0]
    assert fix.kind is not FixKind.ADVICE
    return fix.text, fix.line


@pytest.mark.parametrize(
    ("code", "severity"),
    [
        ("const greet = require('greet')", "error"),
        ("import greet from 'greet'", "error"),
        ("exports.late = () => require('greet')", "warning"),
        ("exports.late = () => require('undeclared')", None),
        ("try { require('greet') } catch {}", None),
        ("require('undeclared')", "warning"),
        ("require('tsconfig-paths/register'); require('greet')", None),
        ("const x = require(process.argv[2])", None),
    ],
)
def test_how_bad_it_is_depends_on_proof(tmp_path: Path, code: str, severity: str | None) -> None:
    builder = {"/app/package.json": NEEDS_GREET, "/app/main.js": code, **MODULES}
    found = findings(
        tmp_path, MS406(), builder,
        ("/app/package.json", "/app/package.json"), ("/app/main.js", "/app/main.js"),
    )  # fmt: skip
    assert [each.severity.value for each in found] == ([severity] if severity else [])


def test_a_project_that_was_moved_gets_its_modules_where_it_is(tmp_path: Path) -> None:
    builder = {"/app/dist/main.js": "require('greet'); require('greet/other')", **MODULES}
    found = findings(
        tmp_path, MS406(), builder, ("/app/dist", "/srv/web/dist"),
        cmd=("node", "/srv/web/dist/main.js"),
    )  # fmt: skip
    assert first_fix(found) == ("COPY --from=builder /app/node_modules /srv/web/node_modules", 4)
    assert "1.2.3" in found[0].cause[1]
    assert (found[0].line, found[0].path) == (4, "/srv/web/dist/main.js")


def test_a_file_of_the_program_that_stayed_behind_is_copied_alone(tmp_path: Path) -> None:
    builder = {"/app/dist/main.js": "require('../lib/x')", "/app/lib/x.js": ""}
    found = findings(
        tmp_path, MS406(), builder, ("/app/dist", "/app/dist"), cmd=("node", "dist/main.js")
    )
    assert first_fix(found) == ("COPY --from=builder /app/lib/x.js /app/lib/x.js", 4)


def test_programs_of_scripts_are_found_where_managers_look(tmp_path: Path) -> None:
    manifest = json.dumps({"scripts": {"prestart": "true", "start": "serve . | cat"}})
    builder = {
        "/app/package.json": manifest,
        "/app/node_modules/.bin/serve": "->../serve/cli.js",
        "/app/node_modules/serve/cli.js": "#!/usr/bin/env node\nrequire('none')",
        "/usr/bin/npm": "#!/usr/bin/env node\n",
    }
    base = BASE | {"/usr/bin/npm": "#!/usr/bin/node\n", "/usr/bin/env": ELF}
    copy = ("/app/package.json", "/app/package.json")
    found = findings(tmp_path / "a", MS406(), builder, copy, cmd=("npm", "start"), base=base)
    assert first_fix(found) == ("COPY --from=builder /app/node_modules /app/node_modules", 4)
    whole = ("/app", "/app")
    found = findings(tmp_path / "b", MS406(), builder, whole, cmd=("npm", "start"), base=base)
    assert found == []


@pytest.mark.parametrize(
    ("script", "severity"),
    [
        ("exec node main.js", "error"),
        ('if [ -n "$DEBUG" ]; then node main.js; fi\nexec sleep 1', "warning"),
    ],
)
def test_a_program_that_is_started_in_some_cases_is_no_error(
    tmp_path: Path, script: str, severity: str
) -> None:
    builder = {"/app/main.js": "require('greet')", **MODULES}
    base = BASE | {"/app/bin/start": f"#!/bin/sh\n{script}\n"}
    found = findings(
        tmp_path, MS406(), builder, ("/app/main.js", "/app/main.js"), cmd=("bin/start",), base=base
    )
    assert [each.severity.value for each in found] == [severity]


def test_directories_of_node_path_are_looked_into(tmp_path: Path) -> None:
    builder = {"/app/main.js": "require('greet')", "/opt/all/greet/index.js": ""}
    copies = (("/app/main.js", "/app/main.js"), ("/opt/all", "/opt/all"))
    found = findings(tmp_path, MS406(), builder, *copies, env=("NODE_PATH=/opt/none:/opt/all",))
    assert found == []


def test_a_script_that_node_interprets_is_followed(tmp_path: Path) -> None:
    builder = {"/app/bin/cli": "#!/usr/bin/env -S node --no-warnings\nrequire('greet')", **MODULES}
    base = BASE | {"/usr/bin/env": ELF}
    found = findings(
        tmp_path,
        MS406(),
        builder,
        ("/app/bin/cli", "/app/bin/cli"),
        cmd=("/app/bin/cli",),
        base=base,
    )
    assert [(each.severity.value, each.path) for each in found] == [("error", "/app/bin/cli")]


DEVELOPMENT = {
    "/app/package.json": '{"dependencies": {"a": "1"}, "devDependencies": {"d": "1"}}',
    "/app/main.js": "require('a')",
    "/app/node_modules/a/package.json": "{}",
    "/app/node_modules/a/index.js": "",
    "/app/node_modules/d/package.json": '{"dependencies": {"e": "1"}}',
    "/app/node_modules/d/index.js": "x" * 5000,
    "/app/node_modules/e/package.json": "{}",
}


def test_packages_for_development_are_counted_and_pruned_where_they_were_installed(
    tmp_path: Path,
) -> None:
    found = findings(tmp_path / "a", MS407(), DEVELOPMENT, ("/app", "/app"))
    assert [(each.severity.value, each.line) for each in found] == [("warning", 4)]
    assert found[0].detail.startswith("2 packages in /app/node_modules")
    assert first_fix(found) == ("RUN cd /app && npm prune --omit=dev", 2)
    pnpm = DEVELOPMENT | {"/app/package.json": DEVELOPMENT["/app/package.json"].replace(
        "{", '{"packageManager": "pnpm@9", ', 1
    )}  # fmt: skip
    found = findings(tmp_path / "b", MS407(), pnpm, ("/app", "/app"))
    assert first_fix(found) == ("RUN cd /app && pnpm prune --prod", 2)


@pytest.mark.parametrize("code", ["require('d')", "if (process.env.X) require('d')"])
def test_packages_that_the_program_loads_are_not_for_development(tmp_path: Path, code: str) -> None:
    builder = DEVELOPMENT | {"/app/main.js": code}
    assert findings(tmp_path, MS407(), builder, ("/app", "/app")) == []


def test_images_for_development_may_have_them(tmp_path: Path) -> None:
    env = ("NODE_ENV=development",)
    assert findings(tmp_path, MS407(), DEVELOPMENT, ("/app", "/app"), env=env) == []


JAVA = {
    "/opt/java/bin/java": ELF,
    "/opt/java/release": 'JAVA_VERSION="17.0.9"\nMODULES="java.base"\n',
}
RUN_JAR = ("java", "-jar", "app.jar")


def application(java: int, *names: str) -> bytes:
    return jar(
        **{"META-INF/MANIFEST.MF": "Main-Class: a.B\n", "a/B.class": class_file(java, *names)}
    )


def test_a_runtime_that_is_too_old_is_replaced_in_its_from(tmp_path: Path) -> None:
    builder = {"/out/app.jar": application(21)}
    found = findings(
        tmp_path, MS408(), builder, ("/out/app.jar", "/app/app.jar"), cmd=RUN_JAR, base=JAVA,
        last="eclipse-temurin:17-jre-jammy",
    )  # fmt: skip
    assert found[0].severity.value == "error"
    assert first_fix(found) == ("FROM eclipse-temurin:21-jre-jammy", 3)


def test_a_runtime_that_is_newer_has_nothing_said(tmp_path: Path) -> None:
    builder = {"/out/app.jar": application(11, "java/util/List")}
    copy = ("/out/app.jar", "/app/app.jar")
    assert findings(tmp_path, MS408(), builder, copy, cmd=RUN_JAR, base=JAVA) == []


def test_modules_that_a_runtime_lacks(tmp_path: Path) -> None:
    builder = {"/out/app.jar": application(17, "java/sql/Driver")}
    found = findings(
        tmp_path / "a", MS408(), builder, ("/out/app.jar", "/app/app.jar"), cmd=RUN_JAR, base=JAVA
    )
    assert [each.severity.value for each in found] == ["warning"]
    mods = {"/out/m.jar": jar(**{"module-info.class": module_info(("java.sql", 0))})}
    cmd = ("java", "-p", "mods", "-m", "app/a.B")
    found = findings(
        tmp_path / "b", MS408(), mods, ("/out/m.jar", "/app/mods/m.jar"), cmd=cmd, base=JAVA
    )
    assert [each.severity.value for each in found] == ["error"]
    assert "java.sql" in found[0].detail


@pytest.mark.parametrize(
    ("name", "last", "fixed"),
    [
        (
            "Microsoft.NETCore.App",
            "mcr.example/dotnet/runtime:8.0",
            "mcr.example/dotnet/runtime:9.0",
        ),
        (
            "Microsoft.AspNetCore.App",
            "mcr.example/dotnet/runtime:8.0",
            "mcr.example/dotnet/aspnet:8.0",
        ),
    ],
)
def test_frameworks_that_are_not_there(tmp_path: Path, name: str, last: str, fixed: str) -> None:
    version = "9.0.0" if name == "Microsoft.NETCore.App" else "8.0.0"
    options = {"runtimeOptions": {"framework": {"name": name, "version": version}}}
    builder = {"/out/a.dll": "MZ", "/out/a.runtimeconfig.json": json.dumps(options)}
    base = {"/usr/bin/dotnet": ELF, "/usr/bin/shared/Microsoft.NETCore.App/8.0.1/x": ""}
    found = findings(
        tmp_path, MS408(), builder, ("/out", "/app"), cmd=("dotnet", "a.dll"), base=base, last=last
    )
    assert [each.severity.value for each in found] == ["error"]
    assert first_fix(found) == (f"FROM {fixed}", 3)


def test_a_php_that_is_too_old(tmp_path: Path) -> None:
    builder = {
        "/out/index.php": "<?php\nrequire __DIR__ . '/vendor/autoload.php';\n",
        "/out/vendor/autoload.php": "<?php",
        "/out/vendor/composer/platform_check.php": "if (!(PHP_VERSION_ID >= 80300)) {",
    }
    base = {"/usr/bin/php": ELF}
    found = findings(
        tmp_path, MS408(), builder, ("/out", "/app"), cmd=("php", "index.php"), base=base,
        env=("PHP_VERSION=8.2.1",), last="php:8.2-cli",
    )  # fmt: skip
    assert first_fix(found) == ("FROM php:8.3-cli", 3)


def test_gems_are_copied_where_bundler_looks_for_them(tmp_path: Path) -> None:
    gems = "/app/vendor/bundle/ruby/3.2.0"
    builder = {
        "/app/Gemfile": 'gem "rack"\n',
        "/app/Gemfile.lock": "GEM\n  specs:\n    rack (3.0.8)\n\nDEPENDENCIES\n  rack\n",
        f"{gems}/specifications/rack-3.0.8.gemspec": "",
    }
    base = {"/usr/bin/bundle": ELF}
    found = findings(
        tmp_path, MS408(), builder, ("/app/Gemfile", "/app/Gemfile"),
        ("/app/Gemfile.lock", "/app/Gemfile.lock"), cmd=("bundle", "exec", "puma"), base=base,
        env=("BUNDLE_PATH=vendor/bundle",),
    )  # fmt: skip
    assert [each.severity.value for each in found] == ["error"]
    assert first_fix(found) == (f"COPY --from=builder {gems} {gems}", 5)
