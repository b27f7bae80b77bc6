"""The glossary is the list: what it names is there, and words that it puts aside are not used."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "jettison"
GLOSSARY = (ROOT / "docs/glossary.md").read_text()
TERMS, PUT_ASIDE = GLOSSARY.split("## Words that are not used")
ROW = re.compile(r"(?m)^\| (?!-|word |not )([^|]+?) \| ")
WHERE = re.compile(r"`([\w.]+)`(?=[^|]*\|$)", re.MULTILINE)
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def _words_not_used() -> list[str]:
    return [word for row in ROW.findall(PUT_ASIDE) for word in row.split(", ")]


def _names(node: ast.AST) -> Iterator[str]:
    """Yield the identifiers that a node makes: of modules' parts, arguments and variables."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        yield node.name
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
        yield node.attr


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield identifiers of a module as lower-case words, and docstrings, with their lines."""
    yield 1, path.stem.replace("_", " ")
    for node in ast.walk(ast.parse(path.read_text())):
        line = getattr(node, "lineno", 1)
        for name in _names(node):
            yield line, re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_", " ", name).lower()
        if isinstance(node, DOCUMENTED):
            yield line, " ".join((ast.get_docstring(node) or "").lower().split())


def found(path: Path, words: list[str]) -> list[str]:
    """Return where a module has words, as ``line: word``."""
    pattern = re.compile(rf"\b(?:{'|'.join(map(re.escape, words))})s?\b")
    return [f"{line}: {hit}" for line, text in texts(path) for hit in pattern.findall(text)]


@pytest.mark.parametrize("name", sorted(set(WHERE.findall(TERMS))))
def test_what_the_glossary_names_is_there(name: str) -> None:
    module = SOURCE.joinpath(*name.split("."))
    if module.is_dir() or module.with_suffix(".py").exists():
        return
    parent, _, last = name.rpartition(".")
    text = SOURCE.joinpath(*parent.split(".")).with_suffix(".py").read_text()
    assert re.search(rf"(?m)^(?:class|def) {last}\b", text)


def test_terms_are_in_order_and_there_once() -> None:
    terms = [term.lower() for term in ROW.findall(TERMS)]
    assert len(terms) > 50
    assert terms == sorted(set(terms))


def test_no_word_that_is_not_to_be_used_is_used() -> None:
    words = _words_not_used()
    assert "told" in words
    bad = {
        str(path.relative_to(SOURCE)): hits
        for path in SOURCE.rglob("*.py")
        if (hits := found(path, words))
    }
    assert bad == {}


@pytest.mark.parametrize(
    ("code", "hits"),
    [
        ("class TarShelf:\n    pass\n", ["1: shelf"]),
        ("def check_circles():\n    pass\n", ["1: circles"]),
        ('"""What was\n\ntold."""\nbooks = 1\n', ["1: told", "4: books"]),
        ("def f(told):\n    self._struck = 1\n", ["1: told", "2: struck"]),
        ("# told\nx = 'told'\n", []),
        ('"""Bookshelves, semicircles."""\n', []),
    ],
)
def test_a_word_that_is_not_to_be_used_is_found(tmp_path: Path, code: str, hits: list[str]) -> None:
    path = tmp_path / "module.py"
    path.write_text(code)
    assert sorted(found(path, ["books", "circle", "shelf", "struck", "told"])) == sorted(hits)
