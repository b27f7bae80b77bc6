"""Imports of sources: what lines name, and what is sure to be imported."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from jettison.analysis.python.imports import Guards, named_imports, sure_imports

SOURCE = Path(__file__).resolve().parents[4] / "src"
EVERYTHING = b'''
"""import docstring"""
import a, b.c as d; import e
from .x import (y,  # a comment, with a comma
    z)
from . import w
if TYPE_CHECKING:
    import typing_only
try:
    import optional
except ImportError:
    optional = None
try:
    import strict
except ValueError:
    pass
finally:
    import last
if sys.version_info >= (3, 11): import new
else:
    import old
if sys.platform == "win32":
    import windows
if DEBUG:
    import maybe
with contextlib.suppress(ImportError):
    import suppressed
class K:
    import in_class
def f():
    import lazy
from g import \\
    h
if __name__ == "__main__":
    import main_only
'''
SURE = ["a", "b.c", "e", "x", "", "strict", "last", "new", "in_class", "g"]


def test_what_is_sure_to_be_imported() -> None:
    found = sure_imports(EVERYTHING, Guards(is_main=False, version=(3, 11)))
    assert found is not None
    assert [each.module for each in found] == SURE
    assert [(each.names, each.level, each.line) for each in found if each.level] == [
        (("y", "z"), 1, 4),
        (("w",), 1, 6),
    ]
    main = sure_imports(EVERYTHING, Guards(is_main=True, version=(3, 10)))
    assert main is not None
    assert [each.module for each in main] == [
        *("a", "b.c", "e", "x", "", "strict", "last", "old", "in_class", "g", "main_only")
    ]


def test_what_follows_an_exit_is_not_imported() -> None:
    found = sure_imports(b"import a\nsys.exit(0)\nimport b\n", Guards())
    assert found is not None
    assert [each.module for each in found] == ["a"]


def names(source: bytes) -> list[str]:
    found = sure_imports(source, Guards(is_main=True))
    assert found is not None
    return [each.module for each in found]


def test_functions_that_are_called_are_followed() -> None:
    source = b"""
def helper():
    import helped
    return 1
    import never
def main() -> int:
    import inside
    helper()
    if unknown():
        import maybe
    return 0
    import behind
@click.command()
def decorated():
    import later
class K:
    def method(self):
        import method
if __name__ == "__main__":
    decorated()
    x = other()
    import first
    sys.exit(main())
import not_reached
"""
    assert names(source) == ["first", "inside", "helped"]
    assert names(b"def f():\n  import a\n  f()\nraise SystemExit(f())\nimport b\n") == ["a"]
    assert names(b"def f():\n  import a\n  return\nf()\nimport b\n") == ["a", "b"]


def test_a_handler_that_raises_again_makes_good_for_nothing() -> None:
    manage = b"""
def main():
    try:
        from django.core.management import execute_from_command_line
    except ImportError as exc:
        raise ImportError("Couldn't import Django.") from exc
    execute_from_command_line(sys.argv)
if __name__ == '__main__':
    main()
"""
    assert names(manage) == ["django.core.management"]
    assert names(b"try:\n import a\nexcept ImportError:\n sys.exit(1)\n") == ["a"]
    assert names(b"try:\n import a\nexcept ImportError:\n print()\n") == []


def test_lines_are_read_whatever_ends_them() -> None:
    source = b"\xef\xbb\xbfimport a\r\nfrom b import (c,\r\n  d)\rif x: import e; import f # g, h\n"
    found = [(each.module, each.names) for each in named_imports(source)]
    assert found == [("a", ()), ("b", ("c", "d")), ("e", ()), ("f", ())]


def test_lines_name_all_that_is_sure_of_this_project() -> None:
    for path in SOURCE.rglob("jettison/analysis/**/*.py"):
        source = path.read_bytes()
        sure = sure_imports(source, Guards())
        assert sure is not None
        named = {
            (each.module, name) for each in named_imports(source) for name in (*each.names, "")
        }
        assert {(each.module, name) for each in sure for name in (*each.names, "")} <= named


@pytest.mark.parametrize(
    "source",
    [
        b"(" * 100_000,
        b"-" * 100_000 + b"1",
        b"x" + b".a" * 100_000,
        b"1" + b"+1" * 100_000,
        b"import " + b"a." * 100_000 + b"a",
        b"from " + b"a.\\\n" * 50_000 + b"a import b",
        b"x=" + b"lambda:" * 50_000 + b"1",
        b"a if b else " * 50_000 + b"1",
        b"\0import a",
        b"\xff\xfe\x00import a",
        b"# coding: punycode\n" + b"a" * 100_000,
        b"if 1:\n" + b"".join(b" " * n + b"if 1:\n" for n in range(1, 150)),
        b"from" * 50_000,
        b"import (" * 50_000,
        b"from a import (" * 50_000,
        b"import " + b"a," * 400_000,
        (b";" * 500 + b"import a,") * 2000,
    ],
    ids=lambda source: repr(source[:12]),
)
def test_sources_that_are_made_to_hurt_take_bounded_time(source: bytes) -> None:
    begin = time.process_time()
    sure_imports(source, Guards())
    list(named_imports(source))
    assert time.process_time() - begin < 60
