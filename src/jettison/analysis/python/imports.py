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
_MAX_HEAD = 512
_MAX_STATEMENT = 64 << 10
_MAX_LISTED = 1 << 20
_MAX_STATEMENTS = 50_000
_MAX_DEPTH = 60
_MAX_DOTS = 64
_WORD = re.compile(rb"import\b")
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
    left = _MAX_LISTED
    for count, found in enumerate(_WORD.finditer(source)):
        if count >= _MAX_IMPORTS or left < 0:
            return
        at = found.start()
        begin = max(at - _MAX_HEAD, 0)
        head = source[source.rfind(b"\n", begin, at) + 1 or begin : at]
        head = head[max(head.rfind(b";"), head.rfind(b":")) + 1 :].strip()
        if head and not head.startswith(b"from"):
            continue
        listed = _listed(source, found.end())
        left -= len(listed)
        if not head:
            for each in _names(listed):
                yield Import(each)
            continue
        place = b"".join(head[4:].split()).decode("utf-8", "replace")
        module = place.lstrip(".")
        if not module or _NAME.fullmatch(module):
            yield Import(module, tuple(_names(listed)), len(place) - len(module))


def _listed(source: bytes, at: int) -> bytes:
    """Return what follows ``import`` to the end of the statement."""
    start = source[at : at + _MAX_HEAD].lstrip(b" \t\f")
    if start.startswith(b"("):
        end = source.find(b")", at, at + _MAX_STATEMENT)
        return _COMMENT.sub(b"", source[at:end]).strip(b" \t\f(") if end >= 0 else b""
    end = source.find(b"\n", at, at + _MAX_STATEMENT)
    line = source[at : end if end >= 0 else at + _MAX_STATEMENT]
    return line.partition(b"#")[0].partition(b";")[0]


def _joined(source: bytes) -> bytes:
    """Return a source with one line a statement, brackets aside."""
    source = source.removeprefix(b"\xef\xbb\xbf")
    if b"\r" in source:
        source = source.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return source.replace(b"\\\n", b" ") if b"\\\n" in source else source


def _names(listed: bytes) -> Iterator[str]:
    for part in listed.split(b","):
        words = part.decode("utf-8", "replace").split()
        if words and _NAME.fullmatch(words[0]):
            yield words[0]


def sure_imports(source: bytes, guards: Guards) -> tuple[Import, ...] | None:
    """Return what is imported whenever a source runs; None if it cannot be parsed.

    Left out is what is in functions that no statement calls by itself, in ``try`` with a handler
    of failed imports that does not raise again, and under conditions other than those on the
    version, the platform, type checking and ``__main__``.
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
    functions = {each.name: each for each in body if isinstance(each, ast.FunctionDef)}
    frame = 0
    pending: list[tuple[ast.stmt, int, int]] = [(each, 0, 0) for each in reversed(body)]
    for _ in range(_MAX_STATEMENTS):
        if not pending:
            return
        node, depth, frame = pending.pop()
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, line=node.lineno)
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            yield Import(node.module or "", names, node.level, node.lineno)
        elif depth < _MAX_DEPTH:
            if isinstance(node, ast.Return):
                while pending and pending[-1][2] >= frame:
                    pending.pop()
            elif isinstance(node, ast.Raise) or _is_exit(node):
                pending.clear()
            function = functions.pop(_called_by(node), None)
            if function is not None and _is_plain(function):
                pending += [(each, depth + 1, depth + 1) for each in reversed(function.body)]
            pending += [(each, depth + 1, frame) for each in reversed(_inside(node, guards))]


def _inside(node: ast.stmt, guards: Guards) -> list[ast.stmt]:
    """Return the statements in a statement that run."""
    if isinstance(node, ast.If):
        holds = _condition(node.test, guards)
        return [] if holds is None else node.body if holds else node.orelse
    if isinstance(node, ast.ClassDef):
        return node.body
    if isinstance(node, ast.With):
        suppresses = any("suppress" in _called(item.context_expr) for item in node.items)
        return [] if suppresses else node.body
    if isinstance(node, (ast.Try, ast.TryStar)):
        caught = any(_catches(handler) for handler in node.handlers)
        sure = [] if caught else [*node.body, *node.orelse]
        return [*sure, *node.finalbody]
    return []


def _called_by(node: ast.stmt) -> str:
    """Return the function that a statement calls: ``main()``, ``sys.exit(main())``."""
    if isinstance(node, ast.Raise):
        call: ast.expr | None = node.exc
    elif isinstance(node, (ast.Expr, ast.Assign)):
        call = node.value
    else:
        return ""
    if isinstance(call, ast.Call) and _dotted(call.func) in {"sys.exit", "exit", "SystemExit"}:
        call = call.args[0] if call.args else None
    return _called(call) if isinstance(call, ast.Call) else ""


def _is_plain(function: ast.FunctionDef) -> bool:
    """Tell whether a call of a function runs its statements: it is decorated by nothing."""
    return not function.decorator_list and not any(
        isinstance(each, ast.Expr) and isinstance(each.value, (ast.Yield, ast.YieldFrom))
        for each in function.body
    )


def _is_exit(node: ast.stmt) -> bool:
    ends = {"sys.exit", "exit", "quit", "os._exit", "os.execv"}
    return isinstance(node, ast.Expr) and _called(node.value) in ends


def _called(node: ast.expr) -> str:
    return _dotted(node.func) if isinstance(node, ast.Call) else ""


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return ""


def _catches(handler: ast.ExceptHandler) -> bool:
    """Tell whether a handler makes good for a failed import."""
    if isinstance(handler.body[-1], ast.Raise) or _is_exit(handler.body[-1]):
        return False
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
