"""Rules run over a subject; what is silenced stays silent; each rule has a page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from jettison.analysis.files import list_files
from jettison.analysis.rootfs import Rootfs
from jettison.check import registry, runner
from jettison.check.pages import find_page, pages
from jettison.check.registry import ENTRIES, RuleEntry, all_rules, entries_for
from jettison.check.relevance import Relevance, kinds_of
from jettison.check.rule import Rule
from jettison.check.runner import check_image, codes
from jettison.check.subject import Subject
from jettison.findings.finding import Finding, Severity
from jettison.findings.options import CheckOptions
from jettison.findings.suppress import Suppressions
from jettison.fs.host_tree import HostTree
from jettison.fs.listing import Listing
from jettison.lint.registry import OWN_RULES
from jettison.oci.config import ContainerConfig
from jettison.oci.platform import parse_platform
from jettison.provenance.chain import Provenance
from jettison.provenance.origin import CopiedSource, CopyOrigins, SourceKind
from jettison.provenance.record import BuildRecord, StageRecord, StageStep, StepKind, StepRecord
from jettison.store.layer import LayerId

PACKAGE = Path(runner.__file__).parent
PLACE = Path(__file__).resolve().parents[3] / "docs" / "checks"
MADE, COPIED = LayerId("content:sha256:" + "1" * 64), LayerId("content:sha256:" + "2" * 64)
SOURCE = "FROM base AS b\nRUN make\nFROM scratch\nCOPY --from=b /out /app\nCMD a\n"


def subject(tree: Path, config: ContainerConfig, *more: str) -> Subject:
    steps = (
        StepRecord("sha256:1", StepKind.RUN, "[b 1/1] RUN make", layers=(MADE,)),
        StepRecord(
            "sha256:2", StepKind.COPY, "[1/1] COPY --from=b /out /app",
            inputs=(0,), layers=(COPIED,), origins="o",
        ),
    )  # fmt: skip
    stages = (
        StageRecord(0, "b", line=1, needed=True, steps=(StageStep(0, 2, 2, "RUN make"),)),
        StageRecord(
            1, line=3, needed=True, steps=(StageStep(1, 4, 4, "COPY --from=b /out /app", 0),)
        ),
    )
    record = BuildRecord(steps, stages, 1, "Dockerfile", SOURCE)
    origins = CopyOrigins((CopiedSource(SourceKind.DIRECTORY, 0, "/out", "/app"),), (("/app", 0),))
    listings = {
        MADE: Listing(["/out", "/out/x"], [0o40755, 0o100755], [0, 0], [0, 0], [0, 1]),
        COPIED: Listing(
            ["/app", "/app/x", *more], [0o40755, 0o100755] + [0o40755] * len(more),
            [0] * (2 + len(more)), [0] * (2 + len(more)), [0, 1] + [0] * len(more),
        ),
    }  # fmt: skip
    root = Rootfs(list_files(HostTree(tree)))
    provenance = Provenance(record, {"o": origins}, listings.get)
    return Subject(provenance, config, parse_platform("linux/amd64"), root, lambda _index: None)


@pytest.fixture
def bare(tmp_path: Path) -> Subject:
    return subject(tmp_path, ContainerConfig(cmd=("/app/x",), env=("PATH=/bin", "A=b=c")))


def test_a_subject_knows_where_paths_came_from(bare: Subject) -> None:
    copied = bare.copied("/app/x")
    assert copied is not None
    assert (copied.source, copied.stage, copied.name, copied.line) == ("/out/x", 0, "b", 4)
    assert copied.span.line == 4
    assert not copied.is_context
    assert bare.is_new("/app/x")
    assert not bare.is_new("/none")
    assert bare.environment == {"PATH": "/bin", "A": "b=c"}
    assert (bare.final.label, bare.end, bare.was_built) == ("1", 5, True)
    assert bare.stage(0) is None


def test_facts_are_found_once(bare: Subject) -> None:
    calls = []

    def count(root: Rootfs) -> int:
        calls.append(root)
        return len(root.files.entries)

    assert bare.image.fact(count) == bare.image.fact(count) == 0
    assert calls == [bare.image]


def test_rules_run_unless_they_are_silenced(bare: Subject) -> None:
    found = check_image(bare, Suppressions(None, codes(), CheckOptions()))
    assert "MS507" in [each.rule for each in found]
    silent = Suppressions(None, codes(), CheckOptions(), ["MS507"])
    assert "MS507" not in [each.rule for each in check_image(bare, silent)]
    assert "MS507" in codes()["DL3002"]


def test_ids_are_in_order_and_pages_up_to_date() -> None:
    rules = all_rules()
    assert [rule.id for rule in rules] == sorted({rule.id for rule in rules})
    modules = (PACKAGE / "rules").glob("ms*.py")
    assert [entry.id for entry in ENTRIES] == sorted(path.stem.upper() for path in modules)
    assert [frozenset(each.hadolint.split()) for each in ENTRIES] == [r.hadolint for r in rules]
    written = {path.name: path.read_text() for path in PLACE.glob("ms*.md")}
    written["README.md"] = (PLACE / "README.md").read_text()
    assert written == pages(OWN_RULES), "run scripts/check_pages.py"
    assert find_page("MS101", OWN_RULES) == written["ms101.md"]
    assert find_page("ms507", OWN_RULES) == written["ms507.md"]
    assert find_page("MS999", ()) is None


@pytest.mark.parametrize("rule", [*OWN_RULES, *all_rules()], ids=lambda rule: rule.id)
def test_every_page_says_what_why_and_what_instead(rule) -> None:
    text = pages(OWN_RULES)[f"{rule.id.lower()}.md"]
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings == [
        "## What it does",
        "## Why is this bad",
        "## Example",
        "## Use instead",
        "## How to switch it off",
    ]


def test_rules_about_a_language_run_where_it_may_be(tmp_path: Path) -> None:
    def kinds(name: str, **config: tuple[str, ...]) -> set[Relevance]:
        tree = tmp_path / name
        (tree / "opt" / name).mkdir(parents=True)
        return set(kinds_of(subject(tree, ContainerConfig(**config), f"/opt/{name}")))

    plain = {Relevance.ANY, Relevance.COPIES}
    assert kinds("nothing") == plain
    assert kinds("site-packages") == {*plain, Relevance.PYTHON}
    assert kinds("node_modules") == {*plain, Relevance.NODE}
    assert kinds("app", cmd=("python3.11", "a.py")) == {*plain, Relevance.PYTHON}
    assert kinds("web", cmd=("/usr/bin/php8.2", "a.php")) == {*plain, Relevance.RUNTIMES}
    entries = {each.id for each in entries_for(subject(tmp_path / "nothing", ContainerConfig()))}
    assert "MS507" in entries
    assert not {"MS401", "MS406", "MS408", "MS304", "MS705"} & entries


class Broken(Rule):
    """A rule that fails."""

    id = "MS999"
    title = "It fails"

    def check(self, subject: Subject) -> Iterator[Finding]:
        yield self.finding(Severity.ERROR, "found before")
        raise RecursionError("deep")


class BrokenEntry(RuleEntry):
    def load(self) -> Rule:
        return Broken()


def test_a_rule_that_fails_costs_nobody_a_build(
    bare: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "ENTRIES", (BrokenEntry("MS999"),))
    (found,) = runner.check_image(bare, Suppressions(None, {}, CheckOptions()))
    assert found.severity is Severity.NOTE
    assert found.detail == f"{runner.FAULT}: RecursionError: deep"
