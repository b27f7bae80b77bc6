"""Projects are told apart by where they are."""

from __future__ import annotations

from pathlib import Path

from jettison.api.project import name_of, project_of
from jettison.api.request import BuildRequest


def test_a_directory_is_the_same_by_whatever_path(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    one = project_of(BuildRequest(str(tmp_path)))
    assert project_of(BuildRequest(str(tmp_path / "link"))) == one
    assert project_of(BuildRequest(str(tmp_path), dockerfile="other")) != one
    assert project_of(BuildRequest(str(tmp_path), tags=("a",))) == one


def test_what_comes_from_standard_input_is_told_by_its_name() -> None:
    one = project_of(BuildRequest("-", tags=("app:1",)))
    assert project_of(BuildRequest("-", tags=("app:2",))) == one
    assert project_of(BuildRequest("-", tags=("other:1",))) != one


def test_credentials_of_a_url_do_not_count() -> None:
    one = project_of(BuildRequest("https://me:hunter2@example.com/a.git"))
    assert project_of(BuildRequest("https://me:hunter3@example.com/a.git")) == one
    assert name_of(BuildRequest(".")) == ""
