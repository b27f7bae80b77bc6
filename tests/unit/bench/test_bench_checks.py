"""The tables of checks: what counts as found, missed and false; where projects come from."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from bench.checks.sources import (
    Build,
    Manifest,
    NotHadError,
    Right,
    checked_out,
    crosses,
    read_manifest,
    stand_ins,
)
from bench.checks.tables import (
    Defect,
    Image,
    Start,
    false_ones,
    image_table,
    page,
    right_table,
    rule_table,
    summary,
    wrong_ones,
)

from jettison.api.probe_container import parse_target
from jettison.findings.finding import Finding, Severity

ROOT = Path(__file__).resolve().parents[3]


def finding(rule: str, severity: Severity = Severity.ERROR, path: str = "") -> Finding:
    return Finding(rule, "it is wrong", None, severity=severity, path=path)


def test_the_manifest_names_what_exists() -> None:
    known = read_manifest(None)
    targets = (ROOT / "bench/checks/bases/Dockerfile").read_text()
    assert all(
        f" AS {target}\n" in targets or target in known.examples for target in known.bases.values()
    )


def test_projects_are_those_that_a_file_beside_their_sources_names(tmp_path: Path) -> None:
    (tmp_path / "projects.toml").write_text(
        '[bases]\n"odd:*" = "debian"\n[commits]\n"a/b" = "0"\n'
        '[[build]]\nrepository = "a/b"\nfolder = "."\n'
        '[[right]]\nrule = "MS602"\nimage = "a/b"\nwhy = "it is so"\n'
    )
    known, own = read_manifest(tmp_path), read_manifest(None)
    assert not own.build
    assert [parse_target(each.probe) and each.name for each in known.build] == ["a/b"]
    assert known.commits == {"a/b": "0"}
    assert known.bases == {"odd:*": "debian", **own.bases}
    assert known.right[: len(own.right)] == own.right
    assert known.right[-1].fits("a/b", finding("MS602"))


def test_a_stand_in_is_found_by_pattern_without_the_digest_and_with_variables() -> None:
    text = (
        "ARG GO=1.22\nFROM golang:${GO}-alpine@sha256:00 AS build\nFROM build AS more\n"
        "FROM gcr.io/distroless/static-debian12:nonroot\n"
    )
    found = stand_ins(read_manifest(None), Build("a/b", "."), text)
    assert found == {
        "golang:1.22-alpine@sha256:00": "golang-alpine",
        "gcr.io/distroless/static-debian12:nonroot": "distroless-static-nonroot",
    }
    own = Build("a/b", ".", args={"GO": "1.23"}, bases={"golang:1.23*": "golang"})
    assert stand_ins(read_manifest(None), own, text)["golang:1.23-alpine@sha256:00"] == "golang"


def test_sources_are_taken_at_their_commit_from_a_folder_of_repositories(tmp_path: Path) -> None:
    repository = tmp_path / "a+b" / "repo"
    (repository / "in").mkdir(parents=True)
    (repository / "in" / "Dockerfile").write_text("FROM scratch\n")
    git = ("git", "-C", repository, "-c", "user.name=a", "-c", "user.email=a@example.org")
    for words in (("init", "-q"), ("add", "."), ("commit", "-qm", "a")):
        subprocess.run([*git, *words], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    known = Manifest((), {}, {"a/b": head.stdout.strip(), "a/c": "0"}, ())
    place = tmp_path / "place"
    place.mkdir()
    checked_out(known, Build("a/b", "in"), tmp_path, place)
    assert (place / "in/Dockerfile").read_text() == "FROM scratch\n"
    with pytest.raises(NotHadError, match="a/c is not in"):
        checked_out(known, Build("a/c", "."), tmp_path, place)
    with pytest.raises(NotHadError, match="no sources"):
        checked_out(known, Build("a/b", "in"), None, place)


def test_what_is_right_about_a_good_image_is_not_false() -> None:
    right = (Right("MS506", "a test suite's own", image="a/*", path="/tests/*"),)
    image = Image(
        "project",
        "a/b",
        (
            finding("MS506", Severity.WARNING, "/tests/x"),
            finding("MS506", Severity.WARNING, "/x"),
            finding("MS507", Severity.NOTE),
        ),
    )
    assert [each.path for each in false_ones(image, right)] == ["/x"]
    assert "| project: a/b |  | 0 | 2 | 1 |  |" in image_table((image,))
    assert right_table((image,), right).splitlines()[2:] == [
        "| a/b | MS506 | `/tests/x` | a test suite's own |"
    ]
    assert right_table((image,), ()) == ""


@pytest.mark.parametrize(
    ("text", "target", "does"),
    [
        ("FROM a AS b\nFROM c\nCOPY --from=b /x /x", "", True),
        ("FROM a AS b\nFROM c\nCOPY --from=0 /x /x", "", True),
        ("FROM a AS b\nFROM c\nRUN --mount=from=b,target=/x true", "", True),
        ("FROM a AS b\nFROM c AS d\nCOPY --from=B /x /x\nFROM d", "", True),
        ("FROM a AS b\nFROM c\nCOPY --from=b /x /x", "b", False),
        ("FROM a AS b\nFROM b", "", False),
        ("FROM a\nCOPY --from=image /x /x\nRUN --mount=from=image,target=/x true", "", False),
    ],
)
def test_a_build_crosses_stages_if_what_ships_has_files_of_another(
    text: str, target: str, *, does: bool
) -> None:
    assert crosses(text, target) is does


def test_a_start_that_fails_is_wrong_unless_it_was_known() -> None:
    images = (
        Image("project", "a", start=Start("started, still ran after 3.0 s", ok=True)),
        Image("project", "b", start=Start("ended | `x`", ok=False, ends="wants a database")),
        Image("project", "c", crosses=True, start=Start("did not start: no", ok=False)),
        Image("project", "d", start=Start("started", ok=True, refuted=(finding("MS301"),))),
        Image("project", "e"),
    )
    assert wrong_ones((), images, ()) == [
        "c: did not start: no",
        "d: MS301 is refuted by a start",
    ]
    table = image_table(images)
    assert "| ended \\| 'x' (wants a database) |" in table
    assert "| project: c | yes | 0 | 0 | 0 | did not start: no |" in table
    said = summary((), images)
    assert "4 of them started: 2 did what was wanted." in said
    assert "1 ended for a reason that was known before." in said
    assert "1 of those of public projects ship files" in said


def test_rules_are_counted() -> None:
    defects = (
        Defect("ms301-a", "MS301", is_found=True),
        Defect("ms301-b", "MS301", other=(finding("MS302"),)),
    )
    images = (Image("project", "a/b", (finding("MS301"),)), Image("base", "c", missing="no"))
    table = rule_table(defects, images, (), ["MS301", "MS303"])
    assert table.splitlines()[2:] == [
        "| MS301 | 1 | 1 | 1 |",
        "| MS302 | 0 | 0 | 1 |",
        "| MS303 | 0 | 0 | 0 |",
        "| all | 1 | 1 | 2 |",
    ]
    assert wrong_ones(defects, images, ()) == [
        "ms301-b: not found",
        "ms301-b: MS302: it is wrong",
        "a/b: MS301: it is wrong",
    ]


def test_the_page_has_both_tables_and_what_is_not_built() -> None:
    images = (
        Image("project", "a/b", (finding("MS301"),), crosses=True),
        Image("project", "a/c", missing="there is no compiler"),
    )
    text = page((Defect("ms302-a", "MS302", is_found=True),), images, (), (), today="2026-01-02")
    assert "Measured on 2026-01-02 by one run" in text
    assert "- 1 planted defects, 1 built; 1 found at their line and path." in text
    assert "- 1 good images built, 1 of them of public projects." in text
    assert "- Errors about good images: 1." in text
    assert "| MS301 | 0 | 0 | 1 |" in text
    assert "## Missed and false\n\n- a/b: MS301: it is wrong" in text
    assert "## Not built\n\n- a/c: there is no compiler" in text
    assert "Warnings that are right" not in text
