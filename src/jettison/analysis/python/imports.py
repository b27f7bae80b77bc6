"""What a source file imports, and what of it is sure to be imported when the file runs.

In:  the bytes of a source, which may be anything.
Out: ``Import``.

There are two readers. ``named_imports`` looks at lines: it is fast, and finds more than there is,
such as examples in docstrings. ``sure_imports`` parses, and is asked only where something seems
to be missing.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator

import msgspec

MAX_SOURCE = 1 << 20
"""A longer source is not read."""
_MAX_IMPORTS = 5000
_MAX_STATEMENTS = 50_000
_MAX_DEPTH = 60
_MAX_DOTS = 64
_LINE = re.compile(
    rb"(?:^|[;:])[ \t\f]*(?:import[ \t]+([^\n;#]+)"
    rb"|from[ \t]*([.\w \t]+?)[ \t]*\bimport\b[ \t]*(\([^)]*\)|[^\n;#]+))",
    re.MULTILINE,
)
_IMPORT = re.compile(rb"\b(?:import|from)\b[^\n]*")
_COMMENT = re.compile(rb"#[^\n]*")
_NAME = re.compile(r"[^\W\d][\w.]*")
_CAUGHT = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


class Import(msgspec.Struct, frozen=True):
    """One module that a statement names.

    Args:
        module: Dotted; empty in ``from . import x``.
        names: What is taken from it; each may be a module, too.
        level: How many dots were before the module.
        line: In the file, from 1.
    """

    module: str
    names: tuple[str, ...] = ()
    level: int = 0
    line: int = 0


class Guards(msgspec.Struct, frozen=True):
    """What is known of the place where a source runs.

    Args:
        is_main: Whether it is what was started.
        version: ``X.Y`` of the interpreter.
    """

    is_main: bool = False
    version: tuple[int, ...] = (3, 11)


def named_imports(source: bytes) -> Iterator[Import]:
    """Yield all that a source may import, without parsing it."""
    source = _joined(source)
    for count, found in enumerate(_LINE.finditer(source)):
        if count >= _MAX_IMPORTS:
            return
        plain, origin, taken = found.groups()
        if plain is not None:
            for each in _names(plain):
                yield Import(each)
            continue
        place = (origin or b"").decode("utf-8", "replace").replace(" ", "").replace("\t", "")
        module = place.lstrip(".")
        if not module or _NAME.fullmatch(module):
            yield Import(module, tuple(_names(taken)), len(place) - len(module))


def _joined(source: bytes) -> bytes:
    """Return a source with one line a statement, brackets aside."""
    return source.replace(b"\\\r\n", b" ").replace(b"\\\n", b" ").replace(b"\r", b"\n")


def _names(listed: bytes) -> Iterator[str]:
    for part in _COMMENT.sub(b"", listed).strip(b"()").split(b","):
        words = part.decode("utf-8", "replace").split()
        if words and _NAME.fullmatch(words[0]):
            yield words[0]


def sure_imports(source: bytes, guards: Guards) -> tuple[Import, ...] | None:
    """Return what is imported whenever a source runs; None if it cannot be parsed.

    Left out is what is in functions, in ``try`` with a handler of failed imports, and under
    conditions other than those on the version, the platform, type checking and ``__main__``.
    """
    if any(found[0].count(b".") > _MAX_DOTS for found in _IMPORT.finditer(_joined(source))):
        return None  # the parser takes memory for a dotted name by the square of its parts
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(
                source.decode("utf-8-sig", "replace")
            )  # no codec that the source names
    except (SyntaxError, ValueError, MemoryError, RecursionError, OverflowError):
        return None
    found = list(_walk(tree.body, guards))
    return tuple(found[:_MAX_IMPORTS])


def _walk(body: list[ast.stmt], guards: Guards) -> Iterator[Import]:
    """Yield the imports of statements that run, in the order in which they do."""
    pending: list[tuple[ast.stmt, int]] = [(each, 0) for each in reversed(body)]
    for _ in range(_MAX_STATEMENTS):
        if not pending:
            return
        node, depth = pending.pop()
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, line=node.lineno)
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            yield Import(node.module or "", names, node.level, node.lineno)
        elif depth < _MAX_DEPTH:
            inner, ends = _inside(node, guards)
            if ends:
                pending.clear()
            pending += [(each, depth + 1) for each in reversed(inner)]


def _inside(node: ast.stmt, guards: Guards) -> tuple[list[ast.stmt], bool]:
    """Return the statements in a statement that run, and whether what follows it does not."""
    if isinstance(node, ast.If):
        holds = _condition(node.test, guards)
        chosen = [] if holds is None else node.body if holds else node.orelse
        return chosen, False
    if isinstance(node, ast.ClassDef):
        return node.body, False
    if isinstance(node, ast.With):
        suppresses = any("suppress" in _called(item.context_expr) for item in node.items)
        return [] if suppresses else node.body, False
    if isinstance(node, (ast.Try, ast.TryStar)):
        caught = any(_catches(handler) for handler in node.handlers)
        sure = [] if caught else [*node.body, *node.orelse]
        return [*sure, *node.finalbody], False
    return [], isinstance(node, (ast.Raise, ast.Return)) or _is_exit(node)


def _is_exit(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and _called(node.value) in {
        "sys.exit",
        "exit",
        "quit",
        "os._exit",
        "os.execv",
    }


def _called(node: ast.expr) -> str:
    return _dotted(node.func) if isinstance(node, ast.Call) else ""


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return ""


def _catches(handler: ast.ExceptHandler) -> bool:
    kind = handler.type
    if kind is None:
        return True
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(_dotted(each).rpartition(".")[2] in _CAUGHT or not _dotted(each) for each in kinds)


def _condition(test: ast.expr, guards: Guards) -> bool | None:
    """Return whether a condition holds; None if that is not known."""
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = _condition(test.operand, guards)
        return None if inner is None else not inner
    if _dotted(test).rpartition(".")[2] == "TYPE_CHECKING":
        return False
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return None
    return _compare(_dotted(test.left), test.ops[0], test.comparators[0], guards)


def _compare(name: str, operator: ast.cmpop, right: ast.expr, guards: Guards) -> bool | None:
    known = {
        "__name__": "__main__" if guards.is_main else "",
        "sys.platform": "linux",
        "os.name": "posix",
    }
    if name in known and isinstance(right, ast.Constant) and isinstance(right.value, str):
        is_equal = known[name] == right.value
        if isinstance(operator, ast.Eq):
            return is_equal
        return not is_equal if isinstance(operator, ast.NotEq) else None
    if name != "sys.version_info" or not isinstance(right, ast.Tuple):
        return None
    wanted = tuple(
        each.value
        for each in right.elts[:2]
        if isinstance(each, ast.Constant) and isinstance(each.value, int)
    )
    if len(wanted) != len(right.elts[:2]):
        return None
    # Two numbers of many: (3, 11) is less than any (3, 11, x).
    have = (*guards.version[:2], 0)
    if isinstance(operator, (ast.GtE, ast.Gt)):
        return have >= wanted
    return have < wanted if isinstance(operator, (ast.Lt, ast.LtE)) else None
