"""``inspect`` and ``platform`` are loaded when more of them is needed than by a cached build."""

from __future__ import annotations

import subprocess
import sys

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
    assert loaded.isdisjoint({"inspect", "platform"})
    assert "click.core" in done.stderr


def test_identifiers_need_no_platform_and_others_get_it() -> None:
    run(
        "import sys; from jettison.cli.deferred import defer; defer(); import uuid, platform;"
        "assert uuid._LINUX and platform.system() == 'Linux';"
        "assert platform.python_version() == sys.version.split()[0];"
        "assert sys.modules['platform'] is not platform and sys.modules['platform'].__file__"
    )
