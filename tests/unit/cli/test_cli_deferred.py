"""``inspect`` is loaded when click needs more of it than a cached build does."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import sys
from jettison.cli.deferred import defer_inspect
defer_inspect()
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
        "import inspect; from jettison.cli.deferred import defer_inspect; defer_inspect();"
        "import sys; assert sys.modules['inspect'] is inspect and inspect.__file__"
    )


def test_help_and_a_build_do_not_need_it() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "jettison", "build", "/there/is/none"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode
    assert "| tokenize" not in done.stderr.replace("  ", " ")
    assert "click.core" in done.stderr
