"""Where the limits of a build stand: beside its Dockerfile, wherever that is."""

from __future__ import annotations

from pathlib import Path

import pytest

from jettison.api.limits import limits_of, wants_report
from jettison.api.request import KNOWN, SUMS, BuildRequest
from jettison.errors import UsageError

SETTINGS = '[gates]\nmax-size = "1MB"\nbaseline = "main.json"\n'


def texts(request: BuildRequest) -> dict[str, str]:
    return {name: each.text for name, each in limits_of(request).limits.items()}


def test_a_build_without_limits_has_no_report_unless_somebody_asks(tmp_path: Path) -> None:
    plain = BuildRequest(context=str(tmp_path))
    assert not wants_report(plain, ran=True)
    assert wants_report(BuildRequest(context=str(tmp_path), report=SUMS), ran=False)
    known = BuildRequest(context=str(tmp_path), report=KNOWN)
    assert (wants_report(known, ran=True), wants_report(known, ran=False)) == (True, False)
    assert wants_report(BuildRequest(context=str(tmp_path), gates={"max-size": "1"}), ran=False)
    (tmp_path / "jettison.toml").write_text("[check]\n")
    assert not wants_report(plain, ran=False)
    (tmp_path / ".dive-ci").write_text("rules:\n  lowestEfficiency: 0.9\n")
    assert wants_report(plain, ran=False)


def test_settings_win_over_the_file_of_dive_and_flags_over_both(tmp_path: Path) -> None:
    (tmp_path / ".dive-ci").write_text(
        "rules:\n  highestWastedBytes: 5MB\n  lowestEfficiency: 0.9\n"
    )
    (tmp_path / "jettison.toml").write_text('[gates]\nmax-wasted = "1MB"\n')
    request = BuildRequest(context=str(tmp_path), gates={"lowest-efficiency": "none"})
    assert texts(request) == {"max-wasted": "1MB"}


def test_the_baseline_is_found_beside_the_settings(tmp_path: Path) -> None:
    (tmp_path / "jettison.toml").write_text(SETTINGS)
    request = BuildRequest(context=str(tmp_path))
    assert limits_of(request).baseline == "main.json"
    (tmp_path / "main.json").write_text("{}")
    assert limits_of(request).baseline == str(tmp_path / "main.json")
    named = BuildRequest(context=str(tmp_path), baseline="app:main")
    assert limits_of(named).baseline == "app:main"


def test_files_stand_beside_the_dockerfile_and_not_in_the_context(tmp_path: Path) -> None:
    context, other = tmp_path / "context", tmp_path / "docker"
    context.mkdir()
    other.mkdir()
    (context / "jettison.toml").write_text(SETTINGS)
    request = BuildRequest(context=str(context), dockerfile=str(other / "Dockerfile"))
    assert texts(request) == {}
    (other / "jettison.toml").write_text('[gates]\nmax-size = "2MB"\n')
    assert texts(request) == {"max-size": "2MB"}


@pytest.mark.parametrize(
    ("context", "dockerfile"),
    [
        ("-", ""),
        (".", "-"),
        ("https://host.example/a.git", ""),
        ("git@host.example:a/b", "Dockerfile"),
    ],
)
def test_remote_contexts_and_standard_input_have_no_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, context: str, dockerfile: str
) -> None:
    (tmp_path / "jettison.toml").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)
    assert texts(BuildRequest(context=context, dockerfile=dockerfile)) == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[gates", "jettison.toml: "),
        ("[gate]\nmax-size='1'", "there is no table `gate`"),
        ("gates = 1", "`gates` is no table"),
        ("[target.x]\ngates = 1", "`gates` is no table"),
        ("target = 1", "`gates` is no table"),
        ("[gates]\nmax-size = '5%'", "is no number of bytes"),
        ("a = " + "[" * 5000, "jettison.toml: "),
        ("\udcff", "jettison.toml: "),
    ],
)
def test_a_malformed_file_is_an_error_that_names_it(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "jettison.toml").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(UsageError, match=words.replace(".", r"\.")):
        limits_of(BuildRequest(context=str(tmp_path), target="x"))


def test_a_file_that_is_a_pipe_or_enormous_holds_nobody_up(tmp_path: Path) -> None:
    with (tmp_path / "jettison.toml").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(UsageError, match="larger than 1 MiB"):
        limits_of(BuildRequest(context=str(tmp_path)))
