"""What the documentation shows is what happens: every block of commands runs, or says why not."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from bench.peers import IMAGES

from pages.job import steps_of
from pages.output import alike, selected
from pages.page import Page, session
from pages.readings import READINGS, Reading, read
from pages.world import ROOT, World, mirror

PAGES = sorted(
    str(path.relative_to(ROOT))
    for pattern in ("*.md", "docs/**/*.md", "examples/**/*.md", "bench/*.md")
    for path in ROOT.glob(pattern)
    if not {"adr", "checks", "commands", "rules"} & set(path.parts)  # generated, but for decisions
)
NOT_RUN = {
    "CONTRIBUTING.md": 5,
    "bench/README.md": 5,
    "docs/debugging.md": 5,
    "docs/guides/checks.md": 1,
    "docs/guides/ci.md": 1,
    "docs/guides/engines.md": 2,
    "docs/guides/from-docker.md": 1,
    "docs/guides/remote-cache.md": 1,
    "docs/guides/rootless.md": 1,
    "docs/reference/outputs.md": 1,
    "docs/reference/probe.md": 1,
    "docs/reference/sbom.md": 1,
}
"""How many blocks of a page nobody runs; each says why."""


def ids(reading: Reading) -> str:
    return Path(reading.pages[-1]).stem


@pytest.mark.slow
@pytest.mark.parametrize(
    "reading",
    [
        pytest.param(each, marks=[pytest.mark.needs_network] if each.bases else [], id=ids(each))
        for each in READINGS
    ],
)
def test_a_page_says_what_happens(reading: Reading, tmp_path: Path) -> None:
    faults = [fault for _, outcome in read(reading, tmp_path) for fault in outcome.faults]
    assert faults == [], "\n\n".join(
        [*faults, "scripts/regenerate_docs.py prints what is said now"]
    )


@pytest.mark.parametrize("path", PAGES)
def test_every_block_runs_or_says_why_not(path: str) -> None:
    page = Page.read(ROOT / path)
    blocks = list(page.blocks())
    assert [f"line {each.line}" for each in blocks if each.treatment is None] == []
    assert page.indented() == [], "blocks are fenced, so that they can be marked"
    for each in blocks:
        if each.treatment == "text":
            assert not re.search(r"^(\$ |jettison |\./|sudo )", each.body, re.MULTILINE), each.line
        if each.treatment == "run by":
            assert (ROOT / each.marks["run by"]).is_file()
        if each.treatment == "not run":
            assert len(each.marks["not run"].split()) > 3, "that is no reason"
        if each.treatment == "pycon":
            assert path == "docs/reference/python.md", (
                "tests/e2e/test_python_calls.py runs one page"
            )


@pytest.mark.parametrize("path", PAGES)
def test_blocks_that_do_not_run_are_counted(path: str) -> None:
    skipped = [each for each in Page.read(ROOT / path).blocks() if each.treatment == "not run"]
    assert len(skipped) == NOT_RUN.get(path, 0)


def test_every_page_with_commands_is_read() -> None:
    wanted = {
        path
        for path in PAGES
        if not path.startswith("docs/contributing/")  # test_contributing.py carries these out
        if any(b.treatment in {"run", "job"} for b in Page.read(ROOT / path).blocks())
    }
    assert wanted == {page for reading in READINGS for page in reading.pages}
    guides = {path for path in PAGES if path.startswith("docs/guides/")}
    assert {"README.md", *guides} <= wanted


LIES = """\
# A page

<!-- file: Dockerfile -->
```dockerfile
FROM busybox
RUN echo hello > /greeting
```

```console
$ jettison build --quiet -t lies .
sha256:0000000000000000000000000000000000000000000000000000000000000000
$ jettison run --rm lies cat /greeting
good day
```

```console
$ jettison bulid .
```

<!-- status: 1 -->
```console
$ false
```
"""


@pytest.mark.slow
def test_a_page_that_lies_is_found(tmp_path: Path) -> None:
    page = Page(tmp_path / "lies.md", LIES)
    with mirror(tmp_path, {}) as registry, World(registry) as world:
        outcome = world.read(page)
        true = world.read(Page(page.path, outcome.text.replace("bulid", "build -q")))
    wrong, unknown = outcome.faults
    assert (
        wrong == "lies.md:9: `jettison run --rm lies cat /greeting` prints something else:\nhello"
    )
    assert unknown.startswith("lies.md:16: `jettison bulid .` ended with 125:")
    assert "unknown command `jettison bulid`" in unknown
    assert "$ jettison run --rm lies cat /greeting\nhello\n```" in outcome.text
    assert true.faults[0].startswith("lies.md:16: `jettison build -q .` prints something else:")
    assert len(true.faults) == 1


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ("done in 0.1s", "done in 12.5s"),
        ("ID   8bc4fbb4e38c   1.982MB", "ID  0bc4fbb4e38c    17B"),
        ("used 2 seconds ago", "used Less than a second ago"),
        ("76 % is left", "5 % is left"),
        ("at 127.0.0.1:5000", "at 127.0.0.1:49152"),
    ],
)
def test_what_varies_makes_no_difference(shown: str, said: str) -> None:
    assert alike([shown], [said])


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ("2 steps ran", "3 steps ran"),
        ("#1 CACHED", "#1 DONE 0.0s"),
        ("app:1.0", "app:1.1"),
        ("faded", "faced"),
        ("", "a line"),
    ],
)
def test_what_was_said_otherwise_does(shown: str, said: str) -> None:
    assert not alike([shown], [said])


def test_a_line_more_or_less_is_another_output() -> None:
    assert not alike(["a"], ["a", "b"])
    assert not alike(["a", "b"], ["a"])


def test_lines_that_are_left_out_leave_a_sign() -> None:
    lines = ["a", "", "b", "c", "d"]
    assert selected(lines, "/[ab]/") == ["a", "b", "…"]
    assert selected(lines, "last 2") == ["…", "c", "d"]
    assert selected(lines, "none") == []
    assert selected(lines, "all") == lines
    with pytest.raises(ValueError, match="some"):
        selected(lines, "some")


def test_a_session_is_written_as_it_was_read() -> None:
    body = "$ cat <<END\n> a\n> END\na\n$ true\n$ echo b\nb\n"
    (block,) = Page(Path("page"), f"```console\n{body}```\n").blocks()
    assert [each.text for each in block.commands()] == ["cat <<END\na\nEND", "true", "echo b"]
    assert session(block.commands()) == body


def test_a_mark_that_nobody_knows_is_an_error() -> None:
    page = Page(Path("page.md"), "<!-- skip: it -->\n```console\n$ true\n```\n")
    with pytest.raises(ValueError, match=r"page.md:2: no such mark: \{'skip'\}"):
        list(page.blocks())


def test_a_recipe_is_what_its_shell_would_run() -> None:
    gitlab = "job:\n  script:\n    - printf %s x | cat\n    - true\n"
    assert steps_of(gitlab, "gitlab") == ["sh -e -c 'printf %s x | cat\ntrue'"]
    github = "steps:\n  - run: sudo x\n  - run: |\n      a\n      b\n  - run: c ${{ secrets.T }}\n"
    assert steps_of(github, "github") == [
        "bash -e -o pipefail -c 'a\nb\n'",
        "bash -e -o pipefail -c 'c $T'",
    ]
    with pytest.raises(ValueError, match="YAML reads this otherwise"):
        steps_of("job:\n  script:\n    - echo a: b\n", "gitlab")
    with pytest.raises(ValueError, match="no `script`"):
        steps_of("job:\n", "gitlab")


@pytest.mark.skipif(shutil.which("dash") is None, reason="dash is missing")
def test_here_strings_of_bash_are_none_in_the_shell_of_gitlab(tmp_path: Path) -> None:
    """What the page had before: the rig would have found it."""
    page = Page(tmp_path / "old.md", "<!-- job: gitlab -->\n```yaml\nscript:\n  - cat <<< x\n```\n")
    with mirror(tmp_path, {}) as registry, World(registry) as world:
        (fault,) = world.read(page).faults
    assert "ended with 2" in fault


def test_the_page_of_the_benchmark_names_its_base_images() -> None:
    text = (ROOT / "bench" / "README.md").read_text()
    for name in IMAGES:
        assert f"`{name}`" in text
