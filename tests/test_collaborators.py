"""No class knows more than eight others: then it does more than one thing.

The collaborators of a class are the distinct classes of ours, enumerations aside, that an instance
of it holds or is made with:

- what its fields and the parameters of its constructor are annotated with, in whatever container;
- what its constructor makes, or takes out of a parameter and keeps (``self.x = given.x``);
- what a ``cached_property`` of it returns, since that is kept, too.

A union, named or written out, counts once: whoever holds it takes its classes for one. A document,
which has fields and does nothing, has parts: classes beside it are no collaborators of it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "jettison"
MOST = 8


class Package:
    """The classes and unions of some modules, by name.

    Names that two modules use are told apart by where they are; in an annotation such a name is
    taken for that of its own module, else for the one that is found first.
    """

    def __init__(self, texts: dict[str, str]) -> None:
        self.classes: dict[str, ast.ClassDef] = {}
        self.unions: set[str] = set()
        self.all: dict[str, ast.ClassDef] = {}
        for module, text in texts.items():
            tree = ast.parse(text)
            for node in ast.walk(tree):
                if isinstance(node, ast.ClassDef):
                    self.all[f"{module}.{node.name}"] = node
                    self.classes.setdefault(node.name, node)
            for node in tree.body:
                if isinstance(node, ast.Assign) and _is_union(node.value):
                    self.unions.add(ast.unparse(node.targets[0]))

    def collaborators(self) -> dict[str, set[str]]:
        """Return those of each class."""
        return {
            name: {
                each
                for annotation in (*self._held(node).values(), *_parameters(node).values())
                for each in self._named(annotation)
            }
            - {node.name}
            - self._parts(name, node)
            for name, node in self.all.items()
        }

    def _parts(self, name: str, node: ast.ClassDef) -> set[str]:
        """Return what a document consists of."""
        if any(isinstance(each, ast.FunctionDef) for each in node.body):
            return set()
        package = name.rsplit(".", min(2, name.count(".")))[0]
        return {each.rpartition(".")[2] for each in self.all if each.startswith(f"{package}.")}

    def _named(self, annotation: ast.expr) -> set[str]:
        """Return the classes and unions of an annotation; a union of several is one name."""
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            return self._named(ast.parse(annotation.value, mode="eval").body)
        if _is_union(annotation):
            assert isinstance(annotation, ast.BinOp)
            found = self._named(annotation.left) | self._named(annotation.right)
            return {" | ".join(sorted(found))} if len(found) > 1 else found
        if isinstance(annotation, (ast.Name, ast.Attribute)):
            name = ast.unparse(annotation).rpartition(".")[2]
            known = name in self.unions or (name in self.classes and not self._is_enum(name))
            return {name} if known else set()
        return {
            name
            for each in ast.iter_child_nodes(annotation)
            if isinstance(each, ast.expr)
            for name in self._named(each)
        }

    def _is_enum(self, name: str) -> bool:
        return any("Enum" in ast.unparse(base) for base in self.classes[name].bases)

    def _held(self, node: ast.ClassDef) -> dict[str, ast.expr]:
        """Return what the attributes of instances are, as far as it is written."""
        held: dict[str, ast.expr] = {}
        for each in node.body:
            if isinstance(each, ast.AnnAssign):
                held[ast.unparse(each.target)] = each.annotation
            elif (
                isinstance(each, ast.FunctionDef)
                and each.returns is not None
                and any(ast.unparse(one).endswith("cached_property") for one in each.decorator_list)
            ):
                held[each.name] = each.returns
        constructor = _constructor(node)
        if constructor is not None:
            local = _parameters(node)
            for statement in ast.walk(constructor):
                for target, kind in self._bound(statement, local, node):
                    if target.startswith("self."):
                        held[target.removeprefix("self.")] = kind
                    else:
                        local[target] = kind
        return held

    def _bound(
        self, statement: ast.AST, local: dict[str, ast.expr], node: ast.ClassDef
    ) -> Iterator[tuple[str, ast.expr]]:
        if isinstance(statement, ast.AnnAssign):
            yield ast.unparse(statement.target), statement.annotation
        if not isinstance(statement, ast.Assign):
            return
        value = statement.value
        kind: ast.expr | None = None
        if isinstance(value, ast.Name):
            kind = local.get(value.id)
        elif isinstance(value, ast.Call):
            kind = value.func
        elif isinstance(value, ast.Attribute) and ast.unparse(value.value) in local:
            owners = self._named(local[ast.unparse(value.value)]) & self.classes.keys()
            for owner in owners - {node.name}:
                kind = self._held(self.classes[owner]).get(value.attr)
        if kind is not None:
            yield from ((ast.unparse(target), kind) for target in statement.targets)


def _is_union(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr)


def _constructor(node: ast.ClassDef) -> ast.FunctionDef | None:
    found = (each for each in node.body if isinstance(each, ast.FunctionDef))
    return next((each for each in found if each.name == "__init__"), None)


def _parameters(node: ast.ClassDef) -> dict[str, ast.expr]:
    constructor = _constructor(node)
    if constructor is None:
        return {}
    arguments = (each for each in ast.walk(constructor.args) if isinstance(each, ast.arg))
    return {each.arg: each.annotation for each in arguments if each.annotation is not None}


def test_no_class_has_more_than_eight_collaborators() -> None:
    texts = {
        ".".join(path.relative_to(SOURCE).with_suffix("").parts): path.read_text()
        for path in sorted(SOURCE.rglob("*.py"))
    }
    found = Package(texts).collaborators()
    assert {name: sorted(known) for name, known in found.items() if len(known) > MOST} == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("class X:\n    a: A\n    b: list[B]\n    c: A", {"A", "B"}),
        ("class X:\n    a: A | None", {"A"}),
        ("class X:\n    a: A | B | C", {"A | B | C"}),
        ("class X:\n    a: Callable[[AB], dict[str, C]]", {"AB", "C"}),
        ("class X:\n    def __init__(self, a: 'm.A', *, b: int):\n        pass", {"A"}),
        ("class X:\n    def __init__(self):\n        self.a = A(1)\n        b = B()", {"A"}),
        ("class X:\n    def __init__(self):\n        self.a: Once[A] = Once()", {"A"}),
        ("class X:\n    def __init__(self, h: H):\n        self.a = h.a", {"A", "H"}),
        (
            "class X:\n    def __init__(self, h: H):\n        i = h\n        self.a = i.a",
            {"A", "H"},
        ),
        ("class X:\n    @cached_property\n    def a(self) -> A: ...", {"A"}),
        ("class X:\n    def f(self, a: A) -> B: ...", set()),
        ("class X:\n    next: X\n    kind: K\n    name: str", set()),
        ("class P: ...\nclass X:\n    p: P\n    a: A", {"A"}),
        ("class P: ...\nclass X:\n    p: P\n    def f(self): ...", {"P"}),
    ],
)
def test_collaborators_are_found(text: str, found: set[str]) -> None:
    others = "class A: ...\nclass B: ...\nclass C: ...\nAB = A | B\nclass K(Enum): ...\n"
    package = Package({"m": f"{others}class H:\n    a: A\n", "x": text})
    assert package.collaborators()["x.X"] == found
