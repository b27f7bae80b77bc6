"""The document: one file that asks for nothing, shows all numbers, and is not fooled by names."""

from __future__ import annotations

import base64
import hashlib
import random
import re
import subprocess
import sys
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

import report_rig
from jettison.report import html as package
from jettison.report.html.render import render
from jettison.report.model import Cache, Image, Package, Report
from jettison.report.tree import File
from jettison.report.verdict import Budget

TEMPLATES = Path(package.__file__).parent / "templates"
VOID = {"meta", "input", "br", "link", "img", "hr"}
MAX_BYTES = 1_500_000


class Document(HTMLParser):
    """A document read strictly: elements must end where they should.

    Args:
        data: It.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self.strays: list[str] = []
        self.feed(data.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(set(names)) != len(names):
            self.strays.append(f"{tag}: {names}")
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)
        if tag in {"td", "th", "dt", "dd"}:
            self.texts.append(" ")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.strays.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        inside = self.open[-1] if self.open else ""
        if inside in self.raw:
            self.raw[inside].append(data)
        else:
            self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.strays.append(data)

    @property
    def text(self) -> str:
        """All that is read, as one line."""
        return re.sub(r"\s+", " ", "".join(self.texts))

    def attributes(self, name: str) -> list[str]:
        """Return the values of an attribute."""
        return [attributes[name] for _, attributes in self.elements if name in attributes]


@cache
def _document(name: str) -> Document:
    return Document(render(getattr(report_rig, name)()))


def _empty() -> Report:
    image = Image("", "", "", "linux/amd64", "", 0, None, None, 0, 0, 0, 1.0)
    return Report(image, (), Cache(0, 0, 0.0), budget=Budget(ok=True))


@pytest.mark.parametrize("name", ["sample", "hostile", "large"])
def test_elements_nest_and_ids_are_unique(name: str) -> None:
    document = _document(name)
    assert (document.strays, document.open) == ([], [])
    ids = document.attributes("id")
    assert len(ids) == len(set(ids))
    for target in document.attributes("href"):
        assert target.startswith("#")
    inside = {target[1:] for target in document.attributes("href")}
    assert inside <= {*ids, "main"}
    for label in document.attributes("aria-labelledby"):
        assert label in ids


@pytest.mark.parametrize("name", ["sample", "hostile", "large"])
def test_nothing_is_asked_of_a_network_and_nothing_is_run_from_attributes(name: str) -> None:
    document = _document(name)
    for tag, attributes in document.elements:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base", "form", "image"}
        for attribute in attributes:
            assert attribute not in {"src", "style", "action", "srcset", "data", "xlink:href"}
            assert not attribute.startswith("on")
    style = "".join(document.raw["style"])
    assert "url(" not in style
    assert "@import" not in style


@pytest.mark.parametrize("name", ["sample", "hostile"])
def test_the_policy_allows_this_style_and_this_script_and_nothing_else(name: str) -> None:
    document = _document(name)
    (policy,) = [
        attributes["content"]
        for tag, attributes in document.elements
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    (style,), (script,) = document.raw["style"], document.raw["script"]
    hashes = [
        "'sha256-" + base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() + "'"
        for each in (style, script)
    ]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules == {
        "default-src": "'none'",
        "style-src": hashes[0],
        "script-src": hashes[1],
        "base-uri": "'none'",
        "form-action": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }


def test_hostile_names_are_text_that_is_seen() -> None:
    document = _document("hostile")
    seen = "".join(document.texts)
    assert "<script>alert(1)</script>" in seen
    assert "{{7*7}}" in seen
    assert r"\x1b[2J" in seen
    assert r"\u202egnp.exe" in seen
    assert r"\xff" in seen
    assert [tag for tag, _ in document.elements].count("script") == 1
    written = [*document.texts, *(v for _, a in document.elements for v in a.values())]
    assert {char for text in written for char in text if not char.isprintable()} <= {"\n"}


def test_names_without_end_do_not_make_a_page_without_end() -> None:
    assert len(render(report_rig.hostile())) < 2 * len(render(report_rig.sample()))


def test_an_image_of_24000_files_fits() -> None:
    data = render(report_rig.large())
    assert len(data) <= MAX_BYTES


def test_so_does_one_whose_names_are_as_long_as_files_may_have_them() -> None:
    chance = random.Random(1)
    name = "".join(chance.choices("abcdefghijk_-.", k=230))
    files = [
        File(f"/usr/{name}{n % 300}/{name}{n}", "file", chance.randint(1, 10**6), n % 4)
        for n in range(24_000)
    ]
    report = report_rig.report_of(files, report_rig.sample().origins)
    many = tuple(Package("npm", f"{n}{name}", name, n) for n in range(3000))
    assert len(render(msgspec.structs.replace(report, packages=many))) <= MAX_BYTES


def test_the_numbers_of_the_report_are_there_without_a_script() -> None:
    text = _document("sample").text
    for part in (
        "134.3MB", "68% smaller", "420MB", "8 of 11", "52.4s", "16.5MB of 134.3MB are shipped",
        "metadata", "final/2, line 18", "compilers 5 0 -5", "fastify 4.28.1 npm 2.5MB 338 image",
        "typescript 5.6.3 npm 22MB 120 left behind", "not needed, not built", "npm cache 41MB",
        "file-content", "copy package*.json first", "/usr/local/bin/node", "Exceeded max-size",
        "+5kB shipped", "MS201 dist is not in build", "append: USER node",
    ):  # fmt: skip
        assert part in text, part


def test_a_cause_is_said_once_and_what_follows_names_its_line() -> None:
    text = _document("sample").text
    assert text.count("src/index.ts has other content") == 1
    assert text.count("follows line 10") == 3
    assert "line 10 made other files" not in text


def test_every_file_of_the_tree_is_in_the_list_without_a_script() -> None:
    data = render(report_rig.sample()).decode()
    for n in range(24):
        assert f"<bdi>f{n}.js</bdi>" in data


@pytest.mark.parametrize("change", ["empty", "go"])
def test_little_is_enough_for_a_page(change: str) -> None:
    report = _empty()
    if change == "go":
        sample = Path(__file__).parents[1] / "go-scratch.json"
        report = msgspec.json.decode(sample.read_bytes(), type=Report)
    document = Document(render(report))
    assert (document.strays, document.open) == ([], [])
    assert "build report" in document.text
    if change == "empty":
        assert "The image holds no bytes of files." in document.text


def test_equal_reports_give_equal_documents() -> None:
    assert render(report_rig.sample()) == render(report_rig.sample())


def test_templates_never_say_that_something_is_safe() -> None:
    """Escaping is the environment's business; what opts out would be found here."""
    templates = sorted(TEMPLATES.glob("*.j2"))
    assert len(templates) > 8
    for path in templates:
        text = path.read_text()
        assert not re.search(r"\|\s*safe\b|autoescape|Markup", text), path.name
        assert not re.search(r"\s[a-z-]+=\{\{", text), f"{path.name}: an attribute without quotes"
        assert "<script" not in text.replace("<script>{{ script }}</script>", ""), path.name


def test_nothing_but_the_page_imports_jinja() -> None:
    """A build without ``--report html`` does not pay for it."""
    code = (
        "import sys, jettison.cli.main, jettison.api.build, jettison.report.model,"
        " jettison.report.tree; print('jinja2' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "False"
