"""What programs for .NET, Ruby and PHP need of what is installed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jettison.analysis.dotnet import Framework, dotnet_program, rolls_forward
from jettison.analysis.php import autoload
from jettison.analysis.ruby import Gem, bundle
from unit.analysis.tree_rig import files_of


def runtime_config(**options: object) -> str:
    return "\ufeff" + json.dumps({"runtimeOptions": options})


def test_frameworks_are_looked_for_beside_dotnet(tmp_path: Path) -> None:
    wanted = [
        {"name": "Microsoft.NETCore.App", "version": "8.0.0"},
        {"name": "Microsoft.AspNetCore.App", "version": "8.0.0"},
    ]
    contents = {
        "/app/a.dll": "",
        "/app/a.runtimeconfig.json": runtime_config(frameworks=wanted),
        "/usr/share/dotnet/dotnet": "",
        "/usr/share/dotnet/shared/Microsoft.NETCore.App/8.0.11/x.dll": "",
        "/usr/share/dotnet/shared/Microsoft.NETCore.App/10.0.0/x.dll": "",
        "/usr/share/dotnet/shared/Microsoft.NETCore.App/junk/x.dll": "",
    }
    files = files_of(tmp_path, contents)
    found = dotnet_program(files, "/app/a.dll", "/usr/share/dotnet/dotnet", {})
    assert found is not None
    assert found.frameworks == (
        Framework("Microsoft.NETCore.App", "8.0.0", ("8.0.11", "10.0.0"), is_there=True),
        Framework("Microsoft.AspNetCore.App", "8.0.0", (), is_there=False),
    )
    by_itself = dotnet_program(files, "/app/a", "", {})
    assert by_itself is not None
    assert by_itself.home == "/usr/share/dotnet"
    elsewhere = dotnet_program(files, "/app/a", "", {"DOTNET_ROOT": "/opt/none/"})
    assert elsewhere is not None
    assert (elsewhere.home, elsewhere.frameworks[0].is_there) == ("/opt/none", False)


@pytest.mark.parametrize(
    "config",
    [
        runtime_config(includedFrameworks=[{"name": "x", "version": "8.0.0"}]),
        runtime_config(framework="x"),
        runtime_config(frameworks=[{"name": "../x", "version": "8.0.0"}, {"name": 1}, None]),
        '{"runtimeOptions": []}',
        "[",
        "[" * 100_000,
        "\udcff",
    ],
)
def test_other_configs_ask_for_nothing(tmp_path: Path, config: str) -> None:
    data = config.encode("utf-8", "surrogateescape")
    files = files_of(tmp_path, {"/a.runtimeconfig.json": data})
    assert dotnet_program(files, "/a.dll", "/dotnet", {}) is None


@pytest.mark.parametrize(
    ("wanted", "found", "policy", "does"),
    [
        ("8.0.0", "8.0.0", "Disable", True),
        ("8.0.0", "8.0.1", "Disable", False),
        ("8.0.0", "8.0.1", "LatestPatch", True),
        ("8.0.0", "8.1.0", "LatestPatch", False),
        ("8.0.0", "9.0.0", "Minor", False),
        ("8.0.0", "9.0.0", "LatestMajor", True),
        ("8.0.5", "8.0.4", "Major", False),
        ("x", "8.0.4", "Minor", True),
    ],
)
def test_versions_roll_forward(wanted: str, found: str, policy: str, does: bool) -> None:
    assert rolls_forward(wanted, [found], policy) is does


LOCK = """GIT
  remote: x
  specs:
    own (1.0)

GEM
  remote: x
  specs:
    nokogiri (1.16.0-x86_64-linux)
      racc (~> 1.4)
    racc (1.7.3)
    rack (3.0.8)
    rspec (3.12.0)
      rspec-core (~> 3.12)
    rspec-core (3.12.2)
    debug (1.9.0)

PLATFORMS
  x86_64-linux

DEPENDENCIES
  debug
  nokogiri (~> 1.16)
  own!
  rack
  rspec

BUNDLED WITH
   2.4.10
"""
GEMFILE = """source "x"
gem "rack"
gem 'nokogiri'
gem "debug", group: [:development, :test]
group :development, :test do
  gem "rspec"
end
gem "own", git: "x"
"""


def spec(name: str) -> tuple[str, str]:
    return f"/usr/local/bundle/specifications/{name}.gemspec", ""


def test_gems_of_groups_that_are_left_out_need_not_be_there(tmp_path: Path) -> None:
    names = ("nokogiri-1.16.0-x86_64-linux", "rack-3.0.8")
    contents = {"/app/Gemfile": GEMFILE, "/app/Gemfile.lock": LOCK, **dict(map(spec, names))}
    files = files_of(tmp_path, contents)
    home = {"GEM_HOME": "/usr/local/bundle"}
    found = bundle(files, "/app", home)
    assert found is not None
    assert [each.name for each in found.absent] == ["debug", "racc", "rspec", "rspec-core"]
    found = bundle(files, "/app", home | {"BUNDLE_WITHOUT": "development:test"})
    assert found is not None
    assert (found.absent, found.found) == ((Gem("racc", "1.7.3"),), 2)
    assert bundle(files, "/", home) is None


def test_gems_may_be_in_the_program(tmp_path: Path) -> None:
    gems = "/app/vendor/bundle/ruby/3.2.0/specifications"
    contents = {
        "/app/Gemfile": 'gem "rack"\n',
        "/app/Gemfile.lock": "GEM\n  specs:\n    rack (3.0.8)\n\nDEPENDENCIES\n  rack\n",
        "/app/.bundle/config": '---\nBUNDLE_DEPLOYMENT: "true"\n',
        f"{gems}/rack-3.0.8.gemspec": "",
    }
    found = bundle(files_of(tmp_path, contents), "/app", {})
    assert found is not None
    assert (found.absent, found.places[1]) == ((), "/app/vendor/bundle/ruby/3.2.0")


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("require __DIR__.'/../vendor/autoload.php';", "/app/vendor/autoload.php"),
        ('require_once(__DIR__ . "/../vendor/autoload.php");', "/app/vendor/autoload.php"),
        ("$x = require dirname(__DIR__).'/vendor/autoload.php';", "/app/vendor/autoload.php"),
        ("require dirname(__DIR__, 2).'/vendor/autoload.php';", "/vendor/autoload.php"),
        ("require dirname(__FILE__).'/vendor/autoload.php';", "/app/public/vendor/autoload.php"),
        ("require_once dirname(__DIR__).'/vendor/autoload_runtime.php';",
         "/app/vendor/autoload_runtime.php"),
        ("require 'vendor/autoload.php';", None),
        ("// require __DIR__.'/../vendor/autoload.php';", None),
        ("", None),
    ],
)  # fmt: skip
def test_what_a_php_file_loads(tmp_path: Path, line: str, path: str | None) -> None:
    files = files_of(tmp_path, {"/app/public/index.php": f"<?php\n{line}\n"})
    found = autoload(files, "/app/public/index.php", {})
    assert (found.path if found is not None else None) == path
    assert found is None or not found.is_there


def test_composer_says_what_it_needs(tmp_path: Path) -> None:
    packages = [
        {"name": "a/a", "install-path": "../a/a"},
        {"name": "a/gone", "install-path": "../a/gone"},
        {"name": "a/dev", "install-path": "../a/dev"},
        {"name": "a/out", "install-path": "../../../etc"},
        {"name": 1},
        2,
    ]
    contents = {
        "/app/index.php": "<?php\nrequire __DIR__ . '/vendor/autoload.php';\n",
        "/app/vendor/autoload.php": "<?php",
        "/app/vendor/a/a/x.php": "",
        "/app/vendor/composer/installed.json": json.dumps(
            {"packages": packages, "dev-package-names": ["a/dev"]}
        ),
        "/app/vendor/composer/platform_check.php": "<?php if (!(PHP_VERSION_ID >= 80200)) {",
        "/usr/local/include/php/main/php_version.h": "#define PHP_VERSION_ID 80127\n",
    }
    files = files_of(tmp_path, contents)
    found = autoload(files, "/app/index.php", {})
    assert found is not None
    assert found.absent == (("a/gone", "/app/vendor/a/gone"),)
    assert (found.needs_php, found.php) == ((8, 2, 0), (8, 1, 27))
    found = autoload(files, "/app/index.php", {"PHP_VERSION": "8.3.4"})
    assert found is not None
    assert found.php == (8, 3, 4)
