"""Files of variables, line by line as docker reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from jettison.cli.env_files import environment
from jettison.errors import UsageError


@pytest.fixture(autouse=True)
def _own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINE", "m")
    monkeypatch.delenv("NOBODYS", raising=False)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"A=1\n\n  # comment\n#B=2\n  C=3\n", ("A=1", "C=3")),
        (b"A= two words \nB='q'\nC=a=b\nD=\n", ("A= two words ", "B='q'", "C=a=b", "D=")),
        (b"A=x # no comment\n", ("A=x # no comment",)),
        (b"A=1\r\nB=2\r\n", ("A=1", "B=2")),
        (b"\xef\xbb\xbfA=1", ("A=1",)),
        (b"MINE\nNOBODYS\n", ("MINE=m",)),
        (b"", ()),
    ],
)
def test_a_file_is_read_as_docker_does(tmp_path: Path, text: bytes, found: tuple[str, ...]) -> None:
    file = tmp_path / "env"
    file.write_bytes(text)
    assert environment([], [str(file)]) == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"=x\n", "no variable name on line '=x'"),
        (b"A B=1\n", "variable 'A B' contains whitespaces"),
        (b"A =1\n", "contains whitespaces"),
        (b"OK=1\nA=\xff\n", "invalid utf8 bytes at line 2"),
        (b"A=" + b"x" * 70_000, "line 1 is too long"),
    ],
)
def test_what_docker_refuses_is_refused(tmp_path: Path, text: bytes, said: str) -> None:
    file = tmp_path / "env"
    file.write_bytes(text)
    with pytest.raises(UsageError, match=said):
        environment([], [str(file)])


def test_flags_come_after_files_and_take_the_caller_s_values(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("A=1\n")
    assert environment(["A=2", "MINE", "NOBODYS"], [str(file)]) == ("A=1", "A=2", "MINE=m")
    for given, files in ((["=x"], []), ([], [str(tmp_path / "none")]), ([], [str(tmp_path)])):
        with pytest.raises(UsageError):
            environment(given, files)
