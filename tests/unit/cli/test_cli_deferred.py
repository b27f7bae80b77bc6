"""Some modules are loaded when more of them is needed than by a cached build."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys
from jettison.cli.deferred import defer
defer()
import inspect
cleaned = inspect.cleandoc("  a\\tb ")
assert "ast" not in sys.modules
{rest}
import inspect as real
assert real is not inspect and real.__file__
assert cleaned == real.cleandoc("  a\\tb "), cleaned
"""


def run(script: str) -> None:
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_text_of_one_line_is_cleaned_without_it_and_as_it_would() -> None:
    run(SCRIPT.format(rest='assert inspect.cleandoc("a\\n   b\\n  c") == "a\\n b\\nc"'))


def test_any_other_use_loads_it() -> None:
    run(SCRIPT.format(rest="from inspect import isfunction; assert isfunction(isfunction)"))
    run(SCRIPT.format(rest="assert inspect.signature(print)"))


def test_it_stays_when_it_is_there_already() -> None:
    run(
        "import inspect, platform; from jettison.cli.deferred import defer; defer();"
        "import sys; assert sys.modules['inspect'] is inspect and inspect.__file__;"
        "assert sys.modules['platform'] is platform and platform.__file__"
    )


def test_help_and_a_build_do_not_need_it() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "jettison", "build", "/there/is/none"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "ast" not in loaded  # what was loaded late is not listed, but what it imports is
    assert loaded.isdisjoint({"inspect", "platform", "typing_extensions"})
    assert "click.core" in done.stderr


def test_identifiers_need_no_platform_and_others_get_it() -> None:
    run(
        "import sys; from jettison.cli.deferred import defer; defer(); import uuid, platform;"
        "assert uuid._LINUX and platform.system() == 'Linux';"
        "assert platform.python_version() == sys.version.split()[0];"
        "assert sys.modules['platform'] is not platform and sys.modules['platform'].__file__"
    )


def test_msgspec_needs_no_typing_extensions_and_others_get_them() -> None:
    # The tests' environment has them: mypy and jsonschema do.
    run(
        "import sys; from jettison.cli.deferred import defer; defer(); import msgspec, typing;"
        "assert msgspec._utils.NotRequired is typing.NotRequired;"
        "assert 'ast' not in sys.modules;"  # which they import by way of inspect
        "from typing_extensions import deprecated; import typing_extensions;"
        "assert typing_extensions.__file__ and deprecated is typing_extensions.deprecated"
    )


def test_where_they_are_missing_they_still_are(tmp_path: Path) -> None:
    (tmp_path / "typing_extensions.py").write_text("raise ImportError('as where they are missing')")
    run(
        f"import sys; sys.path.insert(0, {str(tmp_path)!r});"
        "from jettison.cli.deferred import defer; defer(); import msgspec\n"
        "try:\n from typing_extensions import Doc\n"
        "except ImportError: pass\n"
        "else: raise SystemExit('there they are')"
    )
